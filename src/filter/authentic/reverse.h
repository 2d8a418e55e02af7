#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The name of a client: what its address leads to, where that leads back (RFC 8601 2.7.3, 3).
 */
#include "base/arena.h"
#include "base/time.h"
#include "filter/authentic/dns_source.h"
#include "net/address.h"

enum { REVERSE_NAMES_MAX = 10 }; /* PTR records of one address that are looked at */

enum reverse_result {
    REVERSE_PASS,
    REVERSE_FAIL,      /* it has names, but none leads back */
    REVERSE_TEMPERROR, /* DNS did not answer */
    REVERSE_PERMERROR, /* it has no name */
};
/* "pass", "fail" ... */
const char *reverse_result_name(enum reverse_result result);

struct reverse_check {
    enum reverse_result result;
    slice name; /* confirmed; empty but for a pass */
};

/* WAITS. An error is ours: memory, cancelled. In the arena. */
error reverse_check(const struct address *peer, const struct dns_source *source,
                    struct arena *arena, instant deadline, struct reverse_check *out_check);
