/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/imap/write.h"

#include "base/utf8.h"
#include "format/imap/limits.h"
#include "format/imap/token.h"

void imap_write_literal_head(uint64_t size, struct buffer *out)
{
    buffer_add_byte(out, '{');
    buffer_add_u64(out, size);
    buffer_add(out, SLICE("}\r\n"));
}

static void write_literal(slice s, struct buffer *out)
{
    size_t nuls = 0;
    for (size_t i = 0; i < s.size; i++)
        nuls += s.data[i] == '\0';
    imap_write_literal_head(s.size - nuls, out);
    if (nuls == 0) {
        buffer_add(out, s);
        return;
    }
    for (size_t i = 0; i < s.size; i++)
        if (s.data[i] != '\0')
            buffer_add_byte(out, s.data[i]);
}

static void write_quoted(slice s, struct buffer *out)
{
    size_t start = 0;
    buffer_add_byte(out, '"');
    for (size_t i = 0; i < s.size; i++) {
        if (s.data[i] != '"' && s.data[i] != '\\')
            continue;
        buffer_add(out, slice_sub(s, start, i - start));
        buffer_add_byte(out, '\\');
        start = i;
    }
    buffer_add(out, slice_from(s, start));
    buffer_add_byte(out, '"');
}

void imap_write_string(slice s, bool utf8, struct buffer *out)
{
    bool wide = false, quotable = s.size <= IMAP_WRITE_QUOTED_SIZE_MAX;
    for (size_t i = 0; i < s.size && quotable; i++) {
        char c = s.data[i];
        wide |= (unsigned char)c >= 0x80;
        quotable = c != '\0' && c != '\r' && c != '\n';
    }
    if (quotable && (!wide || (utf8 && utf8_is_valid(s))))
        write_quoted(s, out);
    else
        write_literal(s, out);
}

void imap_write_nstring(slice s, bool utf8, struct buffer *out)
{
    if (s.data)
        imap_write_string(s, utf8, out);
    else
        buffer_add(out, SLICE("NIL"));
}

void imap_write_astring(slice s, bool utf8, struct buffer *out)
{
    struct cursor c = cursor_over(s);
    slice atom;
    if (cursor_take_set(&c, IMAP_ASTRING_SET, &atom) && cursor_done(&c) &&
        !slice_equal_nocase(s, SLICE("NIL")))
        buffer_add(out, s);
    else
        imap_write_string(s, utf8, out);
}
