/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/text/base64.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

enum { PAD = 64, SKIP = 255 }; /* values of six bits are below */

static inline unsigned char value_of(unsigned char byte)
{
    /* One more than the value, so that 0 is what is not of the alphabet. */
    static const unsigned char values[256] = {
        ['A'] = 1,  ['B'] = 2,  ['C'] = 3,  ['D'] = 4,  ['E'] = 5,  ['F'] = 6,  ['G'] = 7,
        ['H'] = 8,  ['I'] = 9,  ['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14,
        ['O'] = 15, ['P'] = 16, ['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21,
        ['V'] = 22, ['W'] = 23, ['X'] = 24, ['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28,
        ['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32, ['g'] = 33, ['h'] = 34, ['i'] = 35,
        ['j'] = 36, ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40, ['o'] = 41, ['p'] = 42,
        ['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48, ['w'] = 49,
        ['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56,
        ['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62, ['+'] = 63,
        ['/'] = 64, ['='] = 65};
    return (unsigned char)(values[byte] - 1);
}

void base64_encode_into(char *out, slice bytes)
{
    const unsigned char *in = (const unsigned char *)bytes.data;
    size_t left = bytes.size;
    for (; left >= 3; left -= 3, in += 3, out += 4) {
        uint32_t group = (uint32_t)in[0] << 16 | (uint32_t)in[1] << 8 | in[2];
        out[0] = alphabet[group >> 18];
        out[1] = alphabet[group >> 12 & 63];
        out[2] = alphabet[group >> 6 & 63];
        out[3] = alphabet[group & 63];
    }
    if (left) {
        uint32_t group = (uint32_t)in[0] << 16 | (left == 2 ? (uint32_t)in[1] << 8 : 0);
        out[0] = alphabet[group >> 18];
        out[1] = alphabet[group >> 12 & 63];
        out[2] = left == 2 ? alphabet[group >> 6 & 63] : '=';
        out[3] = '=';
    }
}

void base64_encode(struct buffer *buffer, slice bytes)
{
    size_t size = base64_encoded_size(bytes.size);
    char *room = buffer_reserve(buffer, size);
    if (!room)
        return;
    base64_encode_into(room, bytes);
    buffer_commit(buffer, size);
}

error base64_decode(struct arena *arena, slice text, slice *out_bytes)
{
    if (text.size % 4 != 0)
        return error_make(ERROR_MALFORMED, "base64 is cut off");
    size_t padding = 0;
    while (padding < 2 && padding < text.size && text.data[text.size - 1 - padding] == '=')
        padding++;
    char *bytes = arena_alloc_bytes(arena, text.size / 4 * 3);
    TRY_MEMORY(bytes);
    size_t size = 0;
    uint32_t group = 0;
    for (size_t i = 0; i < text.size; i++) {
        unsigned char value = value_of((unsigned char)text.data[i]);
        if (i >= text.size - padding)
            value = 0;
        else if (value >= PAD)
            return error_make(ERROR_MALFORMED, "not base64");
        group = group << 6 | value;
        if (i % 4 == 3) {
            bytes[size++] = (char)(group >> 16);
            bytes[size++] = (char)(group >> 8);
            bytes[size++] = (char)group;
            group &= padding == 1 ? 0xff : padding == 2 ? 0xffff : 0;
        }
    }
    /* RFC 4648 3.5: the bits behind the last byte must be zero, or one secret has several forms. */
    if (padding && group)
        return error_make(ERROR_MALFORMED, "base64 has stray bits");
    *out_bytes = (slice){bytes, size - padding};
    return OK;
}

error base64_decode_loose(struct arena *arena, slice text, slice *out_bytes)
{
    char *bytes = arena_alloc_bytes(arena, text.size / 4 * 3 + 3);
    TRY_MEMORY(bytes);
    size_t size = 0, i = 0;
    uint32_t group = 0;
    unsigned count = 0;
    while (i < text.size) {
        unsigned char value = value_of((unsigned char)text.data[i++]);
        if (value < PAD) {
            group = group << 6 | value;
            count++;
        }
        bool flush = value == PAD || i == text.size;
        if (count == 4) {
            bytes[size++] = (char)(group >> 16);
            bytes[size++] = (char)(group >> 8);
            bytes[size++] = (char)group;
            count = 0;
        } else if (flush && count) {
            group <<= 6 * (4 - count);
            if (count >= 2)
                bytes[size++] = (char)(group >> 16);
            if (count == 3)
                bytes[size++] = (char)(group >> 8);
            count = 0;
        }
    }
    *out_bytes = (slice){bytes, size};
    return OK;
}
