/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/dns/zone.h"

static void add_string(struct buffer *out, slice string)
{
    buffer_add_byte(out, '"');
    for (size_t i = 0; i < string.size; i++) {
        unsigned char c = (unsigned char)string.data[i];
        if (c == '"' || c == '\\')
            buffer_format(out, "\\%c", c);
        else if (c < ' ' || c > '~')
            buffer_format(out, "\\%03u", c);
        else
            buffer_add_byte(out, (char)c);
    }
    buffer_add_byte(out, '"');
}

void zone_text(struct buffer *out, slice text)
{
    bool several = text.size > ZONE_STRING_SIZE_MAX;
    if (several)
        buffer_add(out, SLICE("( "));
    do {
        slice string = slice_sub(text, 0, ZONE_STRING_SIZE_MAX);
        text = slice_from(text, string.size);
        add_string(out, string);
        if (text.size)
            buffer_add_byte(out, ' ');
    } while (text.size);
    if (several)
        buffer_add(out, SLICE(" )"));
}

void zone_record(struct buffer *out, slice name, uint32_t ttl, const char *type, slice data)
{
    buffer_format(out, "%.*s. %u IN %s %.*s\n", SLICE_ARG(name), ttl, type, SLICE_ARG(data));
}
