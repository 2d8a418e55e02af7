#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A reading position for grammars. Every cursor_take_* advances only when it succeeds and says so.
 */
#include "base/slice.h"

struct cursor {
    const char *at;
    const char *end;
};

static inline struct cursor cursor_over(slice s)
{
    return (struct cursor){s.data, s.data ? s.data + s.size : NULL};
}
static inline bool cursor_done(const struct cursor *c)
{
    return c->at == c->end;
}
static inline slice cursor_rest(const struct cursor *c)
{
    return (slice){c->at, (size_t)(c->end - c->at)};
}
/* The next byte, or -1 at the end (as unsigned char). */
static inline int cursor_peek(const struct cursor *c)
{
    return c->at < c->end ? (unsigned char)*c->at : -1;
}
bool cursor_take_byte(struct cursor *c, char byte);
bool cursor_take(struct cursor *c, slice literal);
bool cursor_take_nocase(struct cursor *c, slice literal);
/* Decimal digits; fails on none, on overflow, or past `max`. Leading zeros are fine. */
bool cursor_take_u64(struct cursor *c, uint64_t max, uint64_t *out_number);
/* The longest run of bytes whose bit is set in `set` (256 bits); fails on an empty run. */
bool cursor_take_set(struct cursor *c, const uint64_t set[4], slice *out_run);
/* Up to, not including, `byte`; fails where it does not occur. */
bool cursor_take_until(struct cursor *c, char byte, slice *out_run);
/* Spaces and tabs, possibly none; how many. */
size_t cursor_skip_blanks(struct cursor *c);

static inline bool byteset_has(const uint64_t set[4], unsigned char byte)
{
    return set[byte >> 6] >> (byte & 63) & 1;
}
