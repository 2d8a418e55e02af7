/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/imap/id.h"

#include "format/imap/limits.h"
#include "format/imap/token.h"
#include "format/imap/write.h"

static error take_field(struct cursor *c, struct arena *arena, struct imap_id *id)
{
    if (id->count == IMAP_ID_FIELDS_MAX)
        return error_make(ERROR_LIMIT, "too many fields in ID");
    struct imap_id_field *field = &id->fields[id->count++];
    TRY(imap_take_string(c, arena, &field->name));
    TRY(imap_take_space(c));
    TRY(imap_take_nstring(c, arena, &field->value));
    if (field->name.size > IMAP_ID_NAME_SIZE_MAX || field->value.size > IMAP_ID_VALUE_SIZE_MAX)
        return error_make(ERROR_LIMIT, "a field of ID is too long");
    return OK;
}

error imap_id_parse(struct cursor *c, struct arena *arena, struct imap_id *out_id)
{
    struct cursor ahead = *c;
    struct imap_id id = {0};
    TRY(imap_take_space(&ahead));
    if (!imap_try_word(&ahead, SLICE("NIL"))) {
        TRY(imap_take_open(&ahead));
        id.fields = ARENA_ARRAY(arena, struct imap_id_field, IMAP_ID_FIELDS_MAX);
        TRY_MEMORY(id.fields);
        bool more = !cursor_take_byte(&ahead, ')');
        while (more) {
            TRY(take_field(&ahead, arena, &id));
            TRY(imap_take_next_in_list(&ahead, &more));
        }
    }
    TRY(imap_take_end(&ahead));
    *c = ahead;
    *out_id = id;
    return OK;
}

slice imap_id_value(const struct imap_id *id, slice name)
{
    for (uint32_t i = 0; i < id->count; i++)
        if (slice_equal_nocase(id->fields[i].name, name))
            return id->fields[i].value;
    return SLICE_EMPTY;
}

void imap_id_write(const struct imap_id_field *fields, size_t count, struct buffer *out)
{
    buffer_add(out, count ? SLICE("* ID (") : SLICE("* ID NIL"));
    for (size_t i = 0; i < count; i++) {
        if (i)
            buffer_add_byte(out, ' ');
        imap_write_string(fields[i].name, false, out);
        buffer_add_byte(out, ' ');
        imap_write_nstring(fields[i].value, false, out);
    }
    buffer_add(out, count ? SLICE(")\r\n") : SLICE("\r\n"));
}
