/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/text/saslprep.h"

#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>
#include <unictype.h>
#include <uninorm.h>

struct range {
    uint32_t first, last;
};

/* RFC 3454 C.1.2, to be spaces (RFC 4013 2.1) */
static const struct range spaces[] = {
    {0xa0, 0xa0},     {0x1680, 0x1680}, {0x2000, 0x200b},
    {0x202f, 0x202f}, {0x205f, 0x205f}, {0x3000, 0x3000},
};

/* RFC 3454 B.1, to be nothing */
static const struct range nothing[] = {
    {0xad, 0xad},     {0x34f, 0x34f},   {0x1806, 0x1806}, {0x180b, 0x180d},
    {0x200c, 0x200d}, {0x2060, 0x2060}, {0xfe00, 0xfe0f}, {0xfeff, 0xfeff},
};

/* RFC 3454 C.2 to C.9. Surrogates (C.5) are no UTF-8; the last two of each plane are looked for by
 * themselves (C.4). */
static const struct range forbidden[] = {
    {0x0, 0x1f},        {0x7f, 0x9f},       {0x340, 0x341},     {0x6dd, 0x6dd},
    {0x70f, 0x70f},     {0x180e, 0x180e},   {0x200c, 0x200f},   {0x2028, 0x202e},
    {0x2060, 0x2063},   {0x206a, 0x206f},   {0x2ff0, 0x2ffb},   {0xe000, 0xf8ff},
    {0xfdd0, 0xfdef},   {0xfeff, 0xfeff},   {0xfff9, 0xfffd},   {0x1d173, 0x1d17a},
    {0xe0001, 0xe0001}, {0xe0020, 0xe007f}, {0xf0000, 0xffffd}, {0x100000, 0x10fffd},
};

static bool is_in(uint32_t point, const struct range *ranges, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (point >= ranges[i].first && point <= ranges[i].last)
            return true;
    return false;
}
#define IS_IN(point, ranges) is_in(point, ranges, sizeof(ranges) / sizeof *(ranges))

/* Never longer than the text. */
static size_t map(slice text, char *mapped)
{
    size_t size = 0;
    while (text.size > 0) {
        uint32_t point;
        size_t length = utf8_decode(text, &point);
        if (IS_IN(point, spaces)) {
            mapped[size++] = ' ';
        } else if (!IS_IN(point, nothing)) {
            memcpy(mapped + size, text.data, length);
            size += length;
        }
        text = slice_from(text, length);
    }
    return size;
}

static bool is_forbidden(uint32_t point)
{
    return IS_IN(point, forbidden) || (point & 0xfffe) == 0xfffe;
}

/* RFC 3454 6: who writes from right to left does so from the first letter to the last. */
static bool direction_is_clear(slice text)
{
    bool right = false, left = false, first = false, last = false;
    for (bool begun = false; text.size > 0; begun = true) {
        uint32_t point;
        text = slice_from(text, utf8_decode(text, &point));
        int class = uc_bidi_class(point);
        last = class == UC_BIDI_R || class == UC_BIDI_AL;
        left |= class == UC_BIDI_L;
        right |= last;
        if (!begun)
            first = last;
    }
    return !right || (!left && first && last);
}

static error check(slice text)
{
    for (slice rest = text; rest.size > 0;) {
        uint32_t point;
        rest = slice_from(rest, utf8_decode(rest, &point));
        if (is_forbidden(point))
            return error_make(ERROR_MALFORMED, "a character that no password may have");
    }
    if (text.size == 0 || !direction_is_clear(text))
        return error_make(ERROR_MALFORMED, "no password in one direction");
    return OK;
}

/* RFC 4013 2.2 */
static error normalize(slice mapped, char room[SASLPREP_SIZE_MAX], slice *out_text)
{
    size_t size = SASLPREP_SIZE_MAX;
    uint8_t *normal = u8_normalize(UNINORM_NFKC, (const uint8_t *)mapped.data, mapped.size,
                                   (uint8_t *)room, &size);
    TRY_MEMORY(normal);
    if (normal != (uint8_t *)room) {
        explicit_bzero(normal, size);
        free(normal);
        return error_make(ERROR_LIMIT, "the password is too long");
    }
    *out_text = slice_of(room, size);
    return OK;
}

error saslprep(slice text, char room[SASLPREP_SIZE_MAX], slice *out_prepared)
{
    char mapped[SASLPREP_SIZE_MAX];
    slice prepared = text;
    if (text.size > SASLPREP_SIZE_MAX)
        return error_make(ERROR_LIMIT, "the password is too long");
    if (!utf8_is_valid(text))
        return error_make(ERROR_MALFORMED, "not UTF-8");
    if (!utf8_is_ascii(text)) {
        size_t size = map(text, mapped);
        error problem = normalize(slice_of(mapped, size), room, &prepared);
        explicit_bzero(mapped, sizeof mapped);
        TRY(problem);
    }
    TRY(check(prepared));
    *out_prepared = prepared;
    return OK;
}
