/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/text/quoted_printable.h"

static int hex_value(char byte)
{
    if (ascii_is_digit(byte))
        return byte - '0';
    char lower = ascii_lower(byte); /* RFC 2045 6.7 asks for upper case; robust readers take both */
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

static int code_at(slice text, size_t at)
{
    if (at + 2 >= text.size)
        return -1;
    int high = hex_value(text.data[at + 1]), low = hex_value(text.data[at + 2]);
    return high < 0 || low < 0 ? -1 : high << 4 | low;
}

/* Bytes from text[at] to behind the line end where only blanks stand before it; 0 otherwise. */
static size_t blank_line_rest(slice text, size_t at, size_t *out_blanks)
{
    size_t end = at;
    while (end < text.size && (text.data[end] == ' ' || text.data[end] == '\t'))
        end++;
    *out_blanks = end - at;
    if (end == text.size)
        return end - at;
    if (text.data[end] == '\n')
        return end + 1 - at;
    if (text.data[end] == '\r' && end + 1 < text.size && text.data[end + 1] == '\n')
        return end + 2 - at;
    return 0;
}

error quoted_printable_decode(struct arena *arena, slice text, slice *out_bytes)
{
    char *bytes = arena_alloc_bytes(arena, text.size);
    TRY_MEMORY(bytes);
    size_t size = 0, at = 0, blanks;
    while (at < text.size) {
        char byte = text.data[at];
        if (byte == '=') {
            int code = code_at(text, at);
            size_t soft = code < 0 ? blank_line_rest(text, at + 1, &blanks) : 0;
            if (code >= 0) {
                bytes[size++] = (char)code;
                at += 3;
                continue;
            }
            if (soft || at + 1 == text.size) { /* soft line break, or the text ends in one */
                at += 1 + soft;
                continue;
            }
        } else if (byte == ' ' || byte == '\t') {
            size_t rest = blank_line_rest(text, at, &blanks);
            if (!rest) { /* an inner run: kept whole, so that it is not looked at again */
                memcpy(bytes + size, text.data + at, blanks);
                size += blanks;
            }
            at += blanks; /* RFC 2045 6.7 (3): blanks at the end of a line were added on the way */
            continue;
        }
        bytes[size++] = byte;
        at++;
    }
    *out_bytes = (slice){bytes, size};
    return OK;
}

error quoted_printable_decode_word(struct arena *arena, slice text, slice *out_bytes)
{
    char *bytes = arena_alloc_bytes(arena, text.size);
    TRY_MEMORY(bytes);
    size_t size = 0;
    for (size_t at = 0; at < text.size; at++) {
        int code = text.data[at] == '=' ? code_at(text, at) : -1;
        if (code >= 0)
            at += 2;
        bytes[size++] = code >= 0 ? (char)code : text.data[at] == '_' ? ' ' : text.data[at];
    }
    *out_bytes = (slice){bytes, size};
    return OK;
}

static bool is_line_end(slice text, size_t at)
{
    return at + 1 < text.size && text.data[at] == '\r' && text.data[at + 1] == '\n';
}

/* As it is, or "=XX": 1 or 3 bytes into `out`. */
static size_t encode_byte(slice text, size_t at, char out[3])
{
    unsigned char byte = (unsigned char)text.data[at];
    bool blank = byte == ' ' || byte == '\t';
    /* RFC 2045 6.7 (3): a blank must not end a line. */
    bool ends_line = at + 1 == text.size || is_line_end(text, at + 1);
    if (blank ? !ends_line : byte > ' ' && byte < 0x7f && byte != '=') {
        out[0] = (char)byte;
        return 1;
    }
    out[0] = '=';
    out[1] = "0123456789ABCDEF"[byte >> 4];
    out[2] = "0123456789ABCDEF"[byte & 15];
    return 3;
}

void quoted_printable_encode(struct buffer *buffer, slice text)
{
    char line[QUOTED_PRINTABLE_LINE_SIZE_MAX];
    size_t size = 0;
    for (size_t at = 0; at < text.size; at++) {
        if (is_line_end(text, at)) {
            buffer_add(buffer, slice_of(line, size));
            buffer_add_string(buffer, "\r\n");
            size = 0;
            at++;
            continue;
        }
        char code[3];
        size_t code_size = encode_byte(text, at, code);
        bool last = at + 1 == text.size || is_line_end(text, at + 1);
        /* Room for the '=' of a soft break, except before a line end. */
        if (size + code_size + !last > sizeof line) {
            buffer_add(buffer, slice_of(line, size));
            buffer_add_string(buffer, "=\r\n");
            size = 0;
        }
        memcpy(line + size, code, code_size);
        size += code_size;
    }
    buffer_add(buffer, slice_of(line, size));
}
