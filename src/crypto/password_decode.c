/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The two encodings of stored hashes. (format/text has faster ones; this layer lies below it.)
 */
#include "crypto/password_scheme.h"

static int base64_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = ascii_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool password_decode_base64(slice text, uint8_t *out, size_t size_max, size_t *out_size)
{
    if (text.size % 4 == 0)
        for (int i = 0; i < 2 && text.size > 0 && text.data[text.size - 1] == '='; i++)
            text.size--;
    if (text.size % 4 == 1 || text.size / 4 * 3 + text.size % 4 * 3 / 4 > size_max)
        return false;
    uint32_t bits = 0;
    size_t size = 0;
    for (size_t i = 0; i < text.size; i++) {
        int value = base64_value(text.data[i]);
        if (value < 0)
            return false;
        bits = bits << 6 | (uint32_t)value;
        if (i % 4 > 0)
            out[size++] = (uint8_t)(bits >> (6 - i % 4 * 2));
    }
    *out_size = size;
    return true;
}

bool password_decode_hex(slice text, uint8_t *out, size_t size_max, size_t *out_size)
{
    if (text.size % 2 || text.size / 2 > size_max)
        return false;
    for (size_t i = 0; i < text.size / 2; i++) {
        int high = hex_value(text.data[2 * i]), low = hex_value(text.data[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        out[i] = (uint8_t)(high << 4 | low);
    }
    *out_size = text.size / 2;
    return true;
}

void password_encode_base64(slice bytes, struct buffer *out)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < bytes.size; i += 3) {
        uint32_t bits = 0;
        size_t size = bytes.size - i < 3 ? bytes.size - i : 3;
        for (size_t j = 0; j < 3; j++)
            bits = bits << 8 | (j < size ? (uint8_t)bytes.data[i + j] : 0);
        for (size_t j = 0; j < 4; j++)
            buffer_add_byte(out, j <= size ? alphabet[bits >> (18 - 6 * j) & 63] : '=');
    }
}
