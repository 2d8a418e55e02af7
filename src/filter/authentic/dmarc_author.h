#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Whose mail a message says it is: the domains of its From field (RFC 7489 3.1, 6.6.1). Pure. A
 * message may name several authors, and a forger several From fields, because programs differ in
 * the one they show: every domain counts.
 */
#include "base/arena.h"
#include "base/error.h"
#include "base/slice.h"

enum { DMARC_AUTHORS_MAX = 4 }; /* domains of one message */

struct dmarc_authors {
    slice domains[DMARC_AUTHORS_MAX]; /* A-labels, none twice */
    unsigned count;
    unsigned fields;     /* From fields */
    const char *mistake; /* why there is no telling; NULL: fine */
    bool hostile;        /* such a mistake that nobody makes in good faith */
};

/* RFC 7489 3.1: does the domain that SPF or DKIM name speak for the author's? Never an empty one.
 */
bool dmarc_is_aligned(slice domain, slice author, bool strict);

/* ERROR_LIMIT only where the arena is full. */
error dmarc_authors_read(slice header, struct arena *arena, struct dmarc_authors *out_authors);
