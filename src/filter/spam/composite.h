#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Symbols combined: "LINK_SHOWS_OTHER & !(DKIM_PASS | SPF_PASS)". Operators are ! & | and
 * parentheses, & before |; also "not", "and", "or". An expression is compiled once to a short
 * program in postfix order. Pure. Bounds: spam_composite_limits.
 */
#include "base/arena.h"
#include "base/error.h"
#include "base/slice.h"

enum spam_composite_limits {
    SPAM_COMPOSITES_MAX = 128,
    SPAM_COMPOSITE_STEPS_MAX = 64, /* names and operators of one expression */
    SPAM_COMPOSITE_DEPTH_MAX = 16, /* parentheses and nots within each other */
};

enum spam_composite_operator {
    SPAM_COMPOSITE_SYMBOL, /* is it found? */
    SPAM_COMPOSITE_NOT,
    SPAM_COMPOSITE_AND,
    SPAM_COMPOSITE_OR,
};

struct spam_composite {
    unsigned id; /* the symbol it is */
    slice name;
    unsigned step_count;
    struct spam_composite_step {
        uint16_t operator; /* enum spam_composite_operator */
        uint16_t symbol;
    } steps[SPAM_COMPOSITE_STEPS_MAX];
};

struct spam_composite_names {
    /* The number of a symbol; UINT_MAX: there is none of that name. */
    unsigned (*find)(const void *argument, slice name);
    const void *argument;
};

/* ERROR_MALFORMED, ERROR_LIMIT, ERROR_NOT_FOUND for a name that is none (*out_where is it). */
error spam_composite_parse(slice expression, const struct spam_composite_names *names,
                           struct spam_composite *out_composite, slice *out_where);

/* `found`: a bit per symbol. */
bool spam_composite_holds(const struct spam_composite *composite, const uint64_t *found);
