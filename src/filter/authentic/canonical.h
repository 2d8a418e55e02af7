#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Canonicalization (RFC 6376 3.4): what of a message goes into a DKIM or ARC hash. Fed straight
 * into a digest, nothing is copied but small pieces on the stack.
 */
#include "base/slice.h"
#include "crypto/digest.h"
#include "format/mail/header.h"

enum canonical { CANONICAL_SIMPLE, CANONICAL_RELAXED };

/* The body up to `limit` canonical bytes (l= of RFC 6376; UINT64_MAX: all). *out_size: bytes there
 * were, limit or not. */
void canonical_body(enum canonical kind, slice body, uint64_t limit, struct digest *digest,
                    uint64_t *out_size);
/* One header field with its line end. */
void canonical_field(enum canonical kind, const struct mail_header_field *field, slice text,
                     struct digest *digest);
/* The signature's own field: `value` without what lies in `hole` (the value of b=), and without
 * line end. name as written; for CANONICAL_SIMPLE both are views of the header, because blanks
 * before the colon count as well (RFC 6376 3.4.1). */
void canonical_own_field(enum canonical kind, slice name, slice value, slice hole,
                         struct digest *digest);
