/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "filter/spam/fields.h"

#include "format/mail/header.h"

enum {
    LINE_ROOM = 78,    /* RFC 5322 2.1.1 */
    FIELD_ROOM = 1024, /* for all but the symbols */
    STATUS_ROOM = SPAM_FIELDS_SIZE_MAX - FIELD_ROOM,
    ITEM_ROOM = SPAM_SYMBOL_NAME_SIZE_MAX + 32,
};

/* A name as it may stand in the field: letters, digits, "_", "-", "."; all else is "_". */
static void add_name(struct buffer *out, slice name)
{
    name = slice_sub(name, 0, SPAM_SYMBOL_NAME_SIZE_MAX);
    for (size_t i = 0; i < name.size; i++) {
        char c = name.data[i];
        bool fine = ascii_is_alpha(c) || ascii_is_digit(c) || c == '_' || c == '-' || c == '.';
        buffer_add_byte(out, fine ? c : '_');
    }
}

static void write_status(const struct spam_verdict *verdict, double required, struct buffer *out)
{
    struct buffer item;
    size_t began = out->size, line = sizeof "\ttests=[";
    buffer_init(&item, ITEM_ROOM);
    buffer_format(out, "X-Spam-Status: %s, score=%.2f required=%.2f\r\n\ttests=[",
                  verdict->action == SPAM_ACCEPT ? "No" : "Yes", verdict->score, required);
    for (unsigned i = 0; i < verdict->symbol_count; i++) {
        buffer_reset(&item);
        add_name(&item, verdict->symbols[i].name);
        buffer_format(&item, "=%.2f%s", verdict->symbols[i].score,
                      i + 1 < verdict->symbol_count ? "," : "");
        if (out->size - began + item.size > STATUS_ROOM) {
            buffer_add_string(out, "...");
            break;
        }
        if (line + item.size > LINE_ROOM - 1) {
            buffer_add_string(out, "\r\n\t");
            line = 1;
        }
        buffer_add(out, buffer_slice(&item));
        line += item.size;
    }
    buffer_add_string(out, "]\r\n");
    buffer_close(&item);
}

void spam_fields_write(const struct spam_verdict *verdict, double required, struct buffer *out)
{
    int stars = verdict->score < SPAM_LEVEL_MAX ? (int)verdict->score : SPAM_LEVEL_MAX;
    write_status(verdict, required, out);
    if (stars > 0) {
        buffer_add_string(out, "X-Spam-Level: ");
        for (int i = 0; i < stars; i++)
            buffer_add_byte(out, '*');
        buffer_add_string(out, "\r\n");
    }
}

bool spam_fields_say_junk(slice prefix)
{
    ptrdiff_t at = slice_find(prefix, SLICE(SPAM_FLAG_FIELD));
    return at == 0 || (at > 0 && prefix.data[at - 1] == '\n');
}

unsigned spam_fields_disown(char *message, size_t size)
{
    static const slice ours = {"x-spam", 6};
    unsigned count = 0;
    char *at = message, *end = message + size;
    while (at < end && mail_line_end_size(slice_of(at, (size_t)(end - at)), 0) == 0) {
        if (slice_starts_nocase(slice_of(at, (size_t)(end - at)), ours)) {
            memcpy(at + 2, "Said", 4);
            count++;
        }
        char *line_end = memchr(at, '\n', (size_t)(end - at));
        at = line_end ? line_end + 1 : end;
    }
    return count;
}
