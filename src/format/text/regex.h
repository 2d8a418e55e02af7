#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * POSIX extended regular expressions over UTF-8 (IEEE 1003.1, 9.4), made for patterns of strangers:
 * time is program times text, whatever the pattern, for all ways through it are followed at once
 * (Thompson, Pike); no recursion but that of parentheses. The match is the leftmost, of those the
 * longest; what groups take is decided from left to right, each repeat as much as it can. "." and
 * brackets take characters, not bytes; a byte that is no UTF-8 is a character of its own. Beyond
 * POSIX: \w \W \s \S \b \B, as the C library has them. Not here: back-references, collating
 * elements. Pure. Bounds: regex_limits.
 */
#include "base/arena.h"
#include "base/error.h"
#include "base/slice.h"

enum regex_limits {
    REGEX_PATTERN_SIZE_MAX = 1024, /* bytes */
    REGEX_PROGRAM_MAX = 2048,      /* steps of a compiled one; repeats are written out */
    REGEX_RANGES_MAX = 1024,       /* of all brackets */
    REGEX_NESTING_MAX = 20,        /* parentheses */
    REGEX_REPEAT_MAX = 255,        /* x{255}; POSIX: RE_DUP_MAX */
    REGEX_GROUPS_MAX = 31,         /* that are reported: \1 to \31; more may be there */
};

struct regex;

/* In the arena. ERROR_MALFORMED, ERROR_LIMIT: error.text says why. */
error regex_compile(slice pattern, bool nocase, struct arena *arena,
                    const struct regex **out_regex);

struct regex_match {
    bool matched;
    /* [0] the whole, then groups; data NULL: took no part. Views into the text. */
    slice groups[REGEX_GROUPS_MAX + 1];
    unsigned count; /* of groups that there are, the whole counted */
    uint64_t work;  /* steps that were taken */
};
/* ERROR_LIMIT where it would take more than `work_max` steps, or memory. */
error regex_match(const struct regex *regex, slice text, uint64_t work_max,
                  struct regex_match *out_match);
