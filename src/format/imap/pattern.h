#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * LIST's wildcards (RFC 3501 6.3.8): "*" matches anything, "%" anything without the separator. A
 * pattern is compiled once and then costs a few machine words per byte of a name, whatever the
 * pattern (bit-parallel automaton): no pattern makes a long list slow.
 */
#include "base/arena.h"
#include "base/error.h"
#include "base/slice.h"

struct imap_pattern {
    uint64_t *literal; /* [256][words]: bit i where literal byte i is that byte */
    uint64_t *star;    /* [words]: bit i where "*" stands before literal byte i, or at the end */
    uint64_t *percent; /* [words]: the same for "%" */
    uint32_t words;
    uint32_t size; /* literal bytes */
    char separator;
};

/* ERROR_LIMIT past IMAP_PATTERN_SIZE_MAX. Lies in the arena. */
error imap_pattern_compile(slice pattern, char separator, struct arena *arena,
                           struct imap_pattern *out_pattern);
/* INBOX is compared without case, everything else with (RFC 3501 5.1). */
bool imap_pattern_matches(const struct imap_pattern *pattern, slice name);
