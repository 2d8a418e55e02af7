/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/text/utf7.h"

#include "base/utf8.h"

/* RFC 3501 5.1.3: base64 with "," in place of "/". */
static const char ALPHABET[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

static int digit_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == ',' ? 63 : -1;
}

/* Characters that stand for themselves. */
static bool is_direct(uint32_t point)
{
    return point >= 0x20 && point <= 0x7e;
}

static bool add_point(uint32_t point, struct buffer *out)
{
    char bytes[4];
    size_t size = utf8_encode(point, bytes);
    buffer_add(out, slice_of(bytes, size));
    return size != 0;
}

/* Joins surrogates; *high holds the first half between calls. */
static bool add_unit(uint32_t unit, uint32_t *high, struct buffer *out)
{
    if (unit >= 0xd800 && unit < 0xdc00) {
        if (*high)
            return false;
        *high = unit;
        return true;
    }
    if (unit >= 0xdc00 && unit < 0xe000) {
        if (!*high)
            return false;
        unit = 0x10000 + ((*high - 0xd800) << 10) + (unit - 0xdc00);
        *high = 0;
        return add_point(unit, out);
    }
    /* Printable ASCII inside base64 would be a second spelling of the same name. */
    return !*high && !is_direct(unit) && add_point(unit, out);
}

static bool decode_run(slice run, struct buffer *out)
{
    uint32_t bits = 0, high = 0;
    unsigned held = 0;
    for (size_t i = 0; i < run.size; i++) {
        int value = digit_value(run.data[i]);
        if (value < 0)
            return false;
        bits = bits << 6 | (uint32_t)value;
        held += 6;
        if (held >= 16) {
            held -= 16;
            if (!add_unit(bits >> held & 0xffff, &high, out))
                return false;
        }
    }
    /* Left-over bits are padding: fewer than a digit's six, and zero. */
    return !high && held < 6 && (bits & ((1u << held) - 1)) == 0;
}

static bool decode(slice encoded, struct buffer *out)
{
    bool after_run = false;
    for (size_t i = 0; i < encoded.size;) {
        if (encoded.data[i] != '&') {
            uint32_t point;
            size_t size = utf8_decode(slice_from(encoded, i), &point);
            if (size == 0)
                return false;
            buffer_add(out, slice_sub(encoded, i, size));
            i += size;
            after_run = false;
            continue;
        }
        slice rest = slice_from(encoded, i + 1);
        ptrdiff_t end = slice_find_byte(rest, '-');
        if (end < 0)
            return false;
        if (end == 0)
            buffer_add_byte(out, '&');
        else if (after_run || !decode_run(slice_sub(rest, 0, (size_t)end), out))
            return false; /* "&...-&...-" could have been one run: superfluous shift */
        after_run = end != 0;
        i += (size_t)end + 2;
    }
    return true;
}

error utf7_decode(slice encoded, struct buffer *out)
{
    size_t start = out->size;
    if (!decode(encoded, out)) {
        buffer_truncate(out, start);
        return error_make(ERROR_MALFORMED, "invalid modified UTF-7");
    }
    return buffer_check(out);
}

struct encoder {
    struct buffer *out;
    uint32_t bits;
    unsigned held;
    bool shifted;
};

static void encode_unit(struct encoder *e, uint32_t unit)
{
    e->bits = e->bits << 16 | unit;
    e->held += 16;
    while (e->held >= 6) {
        e->held -= 6;
        buffer_add_byte(e->out, ALPHABET[e->bits >> e->held & 63]);
    }
}

static void shift_in(struct encoder *e)
{
    if (!e->shifted)
        buffer_add_byte(e->out, '&');
    e->shifted = true;
}

static void shift_out(struct encoder *e)
{
    if (!e->shifted)
        return;
    if (e->held)
        buffer_add_byte(e->out, ALPHABET[e->bits << (6 - e->held) & 63]);
    buffer_add_byte(e->out, '-');
    e->held = 0;
    e->shifted = false;
}

error utf7_encode(slice text, struct buffer *out)
{
    if (!utf8_is_valid(text))
        return error_make(ERROR_MALFORMED, "invalid UTF-8");
    struct encoder e = {.out = out};
    uint32_t point;
    for (size_t i = 0; i < text.size; i += utf8_decode(slice_from(text, i), &point)) {
        utf8_decode(slice_from(text, i), &point);
        if (is_direct(point)) {
            shift_out(&e);
            buffer_add_byte(out, (char)point);
            if (point == '&')
                buffer_add_byte(out, '-');
            continue;
        }
        shift_in(&e);
        if (point >= 0x10000) {
            encode_unit(&e, 0xd800 + ((point - 0x10000) >> 10));
            encode_unit(&e, 0xdc00 + ((point - 0x10000) & 0x3ff));
        } else
            encode_unit(&e, point);
    }
    shift_out(&e);
    return buffer_check(out);
}
