/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/imap/section.h"

#include "format/imap/limits.h"
#include "format/imap/token.h"
#include "format/imap/write.h"

static const slice KIND_NAMES[] = {
    [IMAP_SECTION_WHOLE] = {"", 0},
    [IMAP_SECTION_HEADER] = {"HEADER", 6},
    [IMAP_SECTION_HEADER_FIELDS] = {"HEADER.FIELDS", 13},
    [IMAP_SECTION_HEADER_FIELDS_NOT] = {"HEADER.FIELDS.NOT", 17},
    [IMAP_SECTION_TEXT] = {"TEXT", 4},
    [IMAP_SECTION_MIME] = {"MIME", 4},
};

/* section-part: nz-number *("." nz-number), and the "." before a name that follows. */
static error take_parts(struct cursor *c, struct arena *arena, struct imap_section *section,
                        bool *out_name_follows)
{
    uint32_t parts[IMAP_SECTION_DEPTH_MAX];
    uint32_t depth = 0;
    bool dot = false;
    while (cursor_peek(c) >= '1' && cursor_peek(c) <= '9') {
        if (depth == IMAP_SECTION_DEPTH_MAX)
            return error_make(ERROR_LIMIT, "too many part numbers");
        TRY(imap_take_nz_number(c, &parts[depth++]));
        dot = cursor_take_byte(c, '.');
        if (!dot)
            break;
    }
    *out_name_follows = dot || depth == 0;
    if (depth == 0)
        return OK;
    section->parts = ARENA_ARRAY(arena, uint32_t, depth);
    TRY_MEMORY(section->parts);
    memcpy(section->parts, parts, depth * sizeof *parts);
    section->depth = depth;
    return OK;
}

/* header-list: SP "(" astring *(SP astring) ")" */
static error take_fields(struct cursor *c, struct arena *arena, struct imap_section *section)
{
    slice fields[IMAP_SECTION_FIELDS_MAX];
    uint32_t count = 0;
    bool more = true;
    TRY(imap_take_space(c));
    TRY(imap_take_open(c));
    while (more) {
        if (count == IMAP_SECTION_FIELDS_MAX)
            return error_make(ERROR_LIMIT, "too many header fields in one section");
        TRY(imap_take_astring(c, arena, &fields[count]));
        if (fields[count].size == 0 || slice_find_byte(fields[count], ':') >= 0)
            return error_make(ERROR_MALFORMED, "invalid header field name");
        count++;
        TRY(imap_take_next_in_list(c, &more));
    }
    section->fields = ARENA_ARRAY(arena, slice, count);
    TRY_MEMORY(section->fields);
    memcpy(section->fields, fields, count * sizeof *fields);
    section->field_count = count;
    return OK;
}

static error take_kind(struct cursor *c, struct arena *arena, struct imap_section *section)
{
    slice word;
    if (!cursor_take_set(c, IMAP_ATOM_SET, &word))
        return error_make(ERROR_MALFORMED, "invalid section");
    for (enum imap_section_kind kind = IMAP_SECTION_HEADER; kind <= IMAP_SECTION_MIME; kind++) {
        if (!slice_equal_nocase(word, KIND_NAMES[kind]))
            continue;
        if (kind == IMAP_SECTION_MIME && section->depth == 0)
            break; /* RFC 3501 6.4.5: MIME MUST be prefixed by a part number */
        section->kind = kind;
        return kind == IMAP_SECTION_HEADER_FIELDS || kind == IMAP_SECTION_HEADER_FIELDS_NOT
                   ? take_fields(c, arena, section)
                   : OK;
    }
    return error_make(ERROR_MALFORMED, "invalid section");
}

error imap_section_parse(struct cursor *c, struct arena *arena, struct imap_section *out_section)
{
    struct cursor ahead = *c;
    struct imap_section section = {.kind = IMAP_SECTION_WHOLE};
    if (!cursor_take_byte(&ahead, '['))
        return error_make(ERROR_MALFORMED, "expected \"[\"");
    if (!cursor_take_byte(&ahead, ']')) {
        bool name_follows;
        TRY(take_parts(&ahead, arena, &section, &name_follows));
        if (name_follows)
            TRY(take_kind(&ahead, arena, &section));
        if (!cursor_take_byte(&ahead, ']'))
            return error_make(ERROR_MALFORMED, "expected \"]\"");
    }
    *c = ahead;
    *out_section = section;
    return OK;
}

error imap_partial_parse(struct cursor *c, struct imap_partial *out_partial)
{
    struct cursor ahead = *c;
    if (!cursor_take_byte(&ahead, '<')) {
        *out_partial = (struct imap_partial){0};
        return OK;
    }
    struct imap_partial partial = {.given = true};
    bool good = cursor_take_u64(&ahead, INT64_MAX, &partial.offset) &&
                cursor_take_byte(&ahead, '.') &&
                cursor_take_u64(&ahead, INT64_MAX, &partial.size) && partial.size > 0 &&
                cursor_take_byte(&ahead, '>');
    if (!good)
        return error_make(ERROR_MALFORMED, "invalid partial");
    *c = ahead;
    *out_partial = partial;
    return OK;
}

void imap_section_write(const struct imap_section *section, struct buffer *out)
{
    buffer_add_byte(out, '[');
    for (uint32_t i = 0; i < section->depth; i++) {
        if (i)
            buffer_add_byte(out, '.');
        buffer_add_u64(out, section->parts[i]);
    }
    if (section->depth && section->kind != IMAP_SECTION_WHOLE)
        buffer_add_byte(out, '.');
    buffer_add(out, KIND_NAMES[section->kind]);
    for (uint32_t i = 0; i < section->field_count; i++) {
        buffer_add_string(out, i ? " " : " (");
        imap_write_astring(section->fields[i], false, out);
    }
    buffer_add_string(out, section->field_count ? ")]" : "]");
}
