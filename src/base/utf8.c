/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/utf8.h"

size_t utf8_decode(slice s, uint32_t *out_point)
{
    if (s.size == 0)
        return 0;
    const unsigned char *b = (const unsigned char *)s.data;
    if (b[0] < 0x80) {
        *out_point = b[0];
        return 1;
    }
    size_t size = b[0] >= 0xf0 ? 4 : b[0] >= 0xe0 ? 3 : 2;
    if (b[0] < 0xc2 || b[0] > 0xf4 || s.size < size)
        return 0;
    uint32_t point = b[0] & (0x7fu >> size);
    for (size_t i = 1; i < size; i++) {
        if ((b[i] & 0xc0) != 0x80)
            return 0;
        point = point << 6 | (b[i] & 0x3fu);
    }
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    if (point < least[size] || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff))
        return 0;
    *out_point = point;
    return size;
}

size_t utf8_encode(uint32_t point, char *out)
{
    if (point < 0x80) {
        out[0] = (char)point;
        return 1;
    }
    if (point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff))
        return 0;
    size_t size = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    for (size_t i = size - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (point & 0x3f));
        point >>= 6;
    }
    static const unsigned char lead[5] = {0, 0, 0xc0, 0xe0, 0xf0};
    out[0] = (char)(lead[size] | point);
    return size;
}

static const uint64_t high_bits = 0x8080808080808080ULL;

static uint64_t load_8(const char *at)
{
    uint64_t eight;
    memcpy(&eight, at, sizeof eight);
    return eight;
}

/* The index of the first byte from `at` on that is not ASCII; most text is nothing else. */
static size_t skip_ascii(slice s, size_t at)
{
    while (at + 8 <= s.size && (load_8(s.data + at) & high_bits) == 0)
        at += 8;
    while (at < s.size && !(s.data[at] & (char)0x80))
        at++;
    return at;
}

bool utf8_is_ascii(slice s)
{
    return skip_ascii(s, 0) == s.size;
}

bool utf8_is_valid(slice s)
{
    for (size_t at = skip_ascii(s, 0); at < s.size;) {
        uint32_t point;
        size_t size = utf8_decode((slice){s.data + at, s.size - at}, &point);
        if (size == 0)
            return false;
        at += size;
        if (at < s.size && !(s.data[at] & (char)0x80))
            at = skip_ascii(s, at);
    }
    return true;
}
