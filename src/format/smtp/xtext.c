/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/smtp/xtext.h"

#include "base/utf8.h"

static int hex_value(char byte)
{
    if (ascii_is_digit(byte))
        return byte - '0';
    return byte >= 'A' && byte <= 'F' ? byte - 'A' + 10 : -1; /* RFC 3461 4: upper case */
}

error smtp_xtext_decode(struct arena *arena, slice text, slice *out_text)
{
    char *out = arena_alloc_bytes(arena, text.size);
    TRY_MEMORY(out);
    size_t size = 0;
    for (size_t i = 0; i < text.size; i++) {
        unsigned char byte = (unsigned char)text.data[i];
        if (byte < '!' || byte == '=' || byte == 0x7f)
            return error_make(ERROR_MALFORMED, "not xtext");
        if (byte == '+') {
            int high = i + 2 < text.size ? hex_value(text.data[i + 1]) : -1;
            int low = i + 2 < text.size ? hex_value(text.data[i + 2]) : -1;
            if (high < 0 || low < 0)
                return error_make(ERROR_MALFORMED, "not xtext");
            byte = (unsigned char)(high << 4 | low);
            if (byte < ' ' || byte == 0x7f)
                return error_make(ERROR_MALFORMED, "xtext holds a control byte");
            i += 2;
        }
        out[size++] = (char)byte;
    }
    *out_text = (slice){out, size};
    return OK;
}

void smtp_xtext_encode(struct buffer *buffer, slice text)
{
    for (size_t i = 0; i < text.size; i++) {
        unsigned char byte = (unsigned char)text.data[i];
        if (byte <= ' ' || byte >= 0x7f || byte == '+' || byte == '=')
            buffer_format(buffer, "+%02X", byte);
        else
            buffer_add_byte(buffer, (char)byte);
    }
}

void smtp_xtext_encode_address(struct buffer *buffer, slice type, slice address)
{
    bool unicode = slice_equal_nocase(type, SLICE("utf-8"));
    while (address.size) {
        uint32_t point;
        size_t size = unicode ? utf8_decode(address, &point) : 0;
        if (size > 1 || (size == 1 && (point == '+' || point == '=' || point == '\\')))
            buffer_format(buffer, "\\x{%X}", (unsigned)point);
        else
            smtp_xtext_encode(buffer, slice_sub(address, 0, size = 1));
        address = slice_from(address, size);
    }
}
