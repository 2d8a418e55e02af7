/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/cursor.h"

bool cursor_take_byte(struct cursor *c, char byte)
{
    if (c->at == c->end || *c->at != byte)
        return false;
    c->at++;
    return true;
}

bool cursor_take(struct cursor *c, slice literal)
{
    if (!slice_starts(cursor_rest(c), literal))
        return false;
    c->at += literal.size;
    return true;
}

bool cursor_take_nocase(struct cursor *c, slice literal)
{
    if (!slice_starts_nocase(cursor_rest(c), literal))
        return false;
    c->at += literal.size;
    return true;
}

bool cursor_take_u64(struct cursor *c, uint64_t max, uint64_t *out_number)
{
    const char *at = c->at;
    uint64_t number = 0;
    for (; at < c->end && ascii_is_digit(*at); at++) {
        if (__builtin_mul_overflow(number, 10u, &number) ||
            __builtin_add_overflow(number, (uint64_t)(*at - '0'), &number) || number > max)
            return false;
    }
    if (at == c->at)
        return false;
    c->at = at;
    *out_number = number;
    return true;
}

bool cursor_take_set(struct cursor *c, const uint64_t set[4], slice *out_run)
{
    const char *at = c->at;
    while (at < c->end && byteset_has(set, (unsigned char)*at))
        at++;
    if (at == c->at)
        return false;
    *out_run = (slice){c->at, (size_t)(at - c->at)};
    c->at = at;
    return true;
}

bool cursor_take_until(struct cursor *c, char byte, slice *out_run)
{
    slice rest = cursor_rest(c);
    ptrdiff_t at = slice_find_byte(rest, byte);
    if (at < 0)
        return false;
    *out_run = slice_sub(rest, 0, (size_t)at);
    c->at += at;
    return true;
}

size_t cursor_skip_blanks(struct cursor *c)
{
    const char *start = c->at;
    while (c->at < c->end && (*c->at == ' ' || *c->at == '\t'))
        c->at++;
    return (size_t)(c->at - start);
}
