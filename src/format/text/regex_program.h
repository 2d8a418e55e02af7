#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A compiled expression: what regex_compile.c and regex.c share. Jumps are relative, so that a
 * piece of a program may be moved and copied.
 */
#include "format/text/regex.h"

enum regex_operation {
    REGEX_CHARACTER, /* x */
    REGEX_ANY,
    REGEX_IN,     /* one of `y` ranges from range `x` */
    REGEX_NOT_IN, /* none of them */
    REGEX_SPLIT,  /* to x, or else to y */
    REGEX_JUMP,   /* x */
    REGEX_SAVE,   /* the place, as x */
    REGEX_BEGIN,  /* of the text */
    REGEX_END,
    REGEX_BORDER, /* of a word */
    REGEX_NO_BORDER,
    REGEX_MATCH,
};

struct regex_step {
    enum regex_operation operation;
    int32_t x, y;
};

struct regex_range {
    uint32_t first, last;
};

struct regex {
    const struct regex_step *steps;
    const struct regex_range *ranges;
    unsigned step_count, group_count; /* the whole is one */
    bool nocase;
};
