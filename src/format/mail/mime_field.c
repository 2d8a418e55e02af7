/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/mail/mime_field.h"

#include "base/buffer.h"
#include "base/cursor.h"
#include "format/mail/header.h"

enum { SECTION_NONE = -1, SECTION_MAX = 999 };

/* One "name*section*=value" before continuations are joined. */
struct raw_parameter {
    slice name; /* lower case, with its '*' where it stands alone */
    slice base; /* without section and '*' */
    slice value;
    int section;
    bool extended;
    bool joined;
};

/* RFC 2045 5.1: comments may stand between all tokens. */
static void skip_cfws(struct cursor *c)
{
    int depth = 0;
    for (; c->at < c->end; c->at++) {
        char byte = *c->at;
        if (byte == '\\' && depth && c->at + 1 < c->end)
            c->at++;
        else if (byte == '(')
            depth++;
        else if (byte == ')' && depth)
            depth--;
        else if (!depth && byte != ' ' && byte != '\t' && byte != '\r' && byte != '\n')
            return;
    }
}

/* Up to one of `ends` or a comment, without blanks at its end. Values without quotes hold blanks in
 * real mail: name=My Document.pdf */
static slice take_loose(struct cursor *c, const char *ends)
{
    const char *start = c->at;
    while (c->at < c->end && *c->at != '(' && (*c->at == '\0' || !strchr(ends, *c->at)))
        c->at++;
    return slice_trim((slice){start, (size_t)(c->at - start)});
}

static error take_quoted(struct arena *arena, struct cursor *c, slice *out_value)
{
    const char *start = ++c->at;
    bool plain = true;
    while (c->at < c->end && *c->at != '"') {
        plain = plain && *c->at != '\\' && *c->at != '\r' && *c->at != '\n';
        c->at += *c->at == '\\' && c->at + 1 < c->end ? 2 : 1;
    }
    slice raw = {start, (size_t)(c->at - start)};
    if (c->at < c->end)
        c->at++;
    if (plain) {
        *out_value = raw;
        return OK;
    }
    char *value = arena_alloc_bytes(arena, raw.size);
    TRY_MEMORY(value);
    size_t size = 0;
    for (size_t i = 0; i < raw.size; i++) {
        if (raw.data[i] == '\\' && i + 1 < raw.size)
            i++;
        if (raw.data[i] != '\r' && raw.data[i] != '\n')
            value[size++] = raw.data[i];
    }
    *out_value = (slice){value, size};
    return OK;
}

static error lower_copy(struct arena *arena, slice s, slice *out_copy)
{
    char *copy = arena_alloc_bytes(arena, s.size);
    TRY_MEMORY(copy);
    for (size_t i = 0; i < s.size; i++)
        copy[i] = ascii_lower(s.data[i]);
    *out_copy = (slice){copy, s.size};
    return OK;
}

/* RFC 2231 3 and 4: name, name*, name*3, name*3* */
static void split_name(struct raw_parameter *p)
{
    slice rest;
    uint64_t section;
    p->section = SECTION_NONE;
    p->base = p->name;
    if (!slice_cut(p->name, '*', &p->base, &rest))
        return;
    struct cursor c = cursor_over(rest);
    if (cursor_take_u64(&c, SECTION_MAX, &section))
        p->section = (int)section;
    p->extended = p->section == SECTION_NONE || cursor_take_byte(&c, '*');
    if (!cursor_done(&c)) { /* something else: an odd name, left alone */
        p->section = SECTION_NONE;
        p->extended = false;
        p->base = p->name;
    }
}

static error take_parameter(struct arena *arena, struct cursor *c, struct raw_parameter *out,
                            bool *out_found)
{
    *out = (struct raw_parameter){0};
    *out_found = false;
    skip_cfws(c);
    slice name = take_loose(c, "=;");
    skip_cfws(c);
    if (!cursor_take_byte(c, '='))
        return OK;
    skip_cfws(c);
    if (cursor_peek(c) == '"')
        TRY(take_quoted(arena, c, &out->value));
    else
        TRY(mail_header_unfold(arena, take_loose(c, ";"), &out->value));
    if (name.size == 0)
        return OK;
    TRY(lower_copy(arena, name, &out->name));
    split_name(out);
    *out_found = true;
    return OK;
}

/* A section without percent codes, as it must stand in an extended value (RFC 2231 7). */
static void add_escaped(struct buffer *buffer, slice value)
{
    for (size_t i = 0; i < value.size; i++) {
        unsigned char byte = (unsigned char)value.data[i];
        if (byte <= ' ' || byte >= 0x7f || strchr("*'%()<>@,;:\\\"/[]?=", byte))
            buffer_format(buffer, "%%%02X", byte);
        else
            buffer_add_byte(buffer, (char)byte);
    }
}

static struct raw_parameter *find_section(struct raw_parameter *all, unsigned count, slice base,
                                          int section)
{
    for (unsigned i = 0; i < count; i++)
        if (all[i].section == section && slice_equal(all[i].base, base))
            return &all[i];
    return NULL;
}

/* The sections from 0 on without a gap, as one value. */
static error join(struct arena *arena, struct raw_parameter *all, unsigned count,
                  struct raw_parameter *first, struct mime_parameter *out)
{
    bool extended = false;
    int sections = 0;
    size_t size = 2;
    for (struct raw_parameter *p = first; p; p = find_section(all, count, first->base, sections)) {
        extended |= p->extended;
        size += p->value.size * 3;
        sections++;
    }
    struct buffer value;
    buffer_init(&value, size);
    if (extended && !first->extended)
        buffer_add_string(&value, "''");
    for (int i = 0; i < sections; i++) {
        struct raw_parameter *p = find_section(all, count, first->base, i);
        p->joined = true;
        if (extended && !p->extended)
            add_escaped(&value, p->value);
        else
            buffer_add(&value, p->value);
    }
    error problem = arena_copy(arena, buffer_slice(&value), &out->value);
    buffer_close(&value);
    TRY(problem);
    return arena_format(arena, &out->name, "%.*s%s", SLICE_ARG(first->base), extended ? "*" : "");
}

error mime_parameters_parse(struct arena *arena, slice value, slice *out_value,
                            struct mime_parameter **out_first)
{
    struct raw_parameter all[MIME_PARAMETER_COUNT_MAX];
    unsigned count = 0;
    struct cursor c = cursor_over(value);
    skip_cfws(&c);
    slice token = take_loose(&c, ";");
    while (count < MIME_PARAMETER_COUNT_MAX) {
        bool found;
        ptrdiff_t separator = slice_find_byte(cursor_rest(&c), ';');
        if (separator < 0)
            break;
        c.at += separator + 1; /* what stands before it is junk behind a value */
        TRY(take_parameter(arena, &c, &all[count], &found));
        count += found;
    }
    struct mime_parameter *first = NULL, **tail = &first;
    for (unsigned i = 0; i < count; i++) {
        struct raw_parameter *raw = &all[i];
        if (raw->section == 0 && !raw->joined && find_section(all, count, raw->base, 0) != raw)
            continue; /* given twice */
        struct mime_parameter made = {.name = raw->name, .value = raw->value};
        if (raw->section == 0)
            TRY(join(arena, all, count, raw, &made));
        else if (raw->section != SECTION_NONE && find_section(all, count, raw->base, 0))
            continue; /* in its joined value, or behind a gap */
        struct mime_parameter *parameter = ARENA_NEW(arena, struct mime_parameter);
        TRY_MEMORY(parameter);
        *parameter = made;
        *tail = parameter;
        tail = &parameter->next;
    }
    *out_value = token;
    *out_first = first;
    return OK;
}

/* RFC 2045 5.2: what is not type "/" subtype is text/plain. */
static error read_type(struct arena *arena, slice value, struct mime_part *part)
{
    slice token, type, subtype;
    struct mime_parameter *parameters;
    TRY(mime_parameters_parse(arena, value, &token, &parameters));
    part->parameters = parameters;
    if (!slice_cut(token, '/', &type, &subtype))
        return OK;
    type = slice_trim(type);
    subtype = slice_trim(subtype);
    for (size_t i = 0; i < subtype.size; i++) {
        unsigned char byte = (unsigned char)subtype.data[i];
        if (byte <= ' ' || strchr("()<>@,:\\\"/[]?=", byte)) /* RFC 2045 5.1 tspecials */
            subtype.size = i; /* "text/html charset=utf-8": the ';' is missing */
    }
    if (type.size == 0 || subtype.size == 0)
        return OK;
    part->type = type;
    part->subtype = subtype;
    part->type_named = true;
    return OK;
}

static error read_encoding(struct arena *arena, slice value, struct mime_part *part)
{
    static const struct {
        const char *name;
        enum mime_encoding encoding;
    } names[] = {{"7bit", MIME_ENCODING_7BIT},
                 {"8bit", MIME_ENCODING_8BIT},
                 {"binary", MIME_ENCODING_BINARY},
                 {"base64", MIME_ENCODING_BASE64},
                 {"quoted-printable", MIME_ENCODING_QUOTED_PRINTABLE}};
    slice text;
    TRY(mail_header_unfold(arena, value, &text));
    struct cursor c = cursor_over(text);
    skip_cfws(&c);
    slice token = take_loose(&c, ";");
    if (token.size == 0)
        return OK;
    part->encoding_name = token;
    part->encoding = MIME_ENCODING_UNKNOWN;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (slice_equal_nocase(token, slice_from_string(names[i].name)))
            part->encoding = names[i].encoding;
    return OK;
}

static error read_location(struct arena *arena, slice value, slice *out)
{
    slice text;
    TRY(mail_header_unfold(arena, value, &text));
    char *copy = arena_alloc_bytes(arena, text.size);
    TRY_MEMORY(copy);
    size_t size = 0;
    for (size_t i = 0; i < text.size; i++)
        if (text.data[i] != ' ' && text.data[i] != '\t')
            copy[size++] = text.data[i];
    *out = (slice){copy, size};
    return OK;
}

static bool is_first(slice name, const char *wanted, slice have)
{
    return !have.data && slice_equal_nocase(name, slice_from_string(wanted));
}

error mime_fields_read(struct arena *arena, slice header, bool in_digest, struct mime_part *part)
{
    struct mail_header_iterator iterator;
    struct mail_header_field field;
    slice type_seen = SLICE_EMPTY;
    part->type = in_digest ? SLICE("message") : SLICE("text");
    part->subtype = in_digest ? SLICE("rfc822") : SLICE("plain");
    mail_header_begin(&iterator, header);
    while (mail_header_next(&iterator, &field)) {
        if (!slice_starts_nocase(field.name, SLICE("Content-")))
            continue;
        slice name = slice_from(field.name, sizeof "Content-" - 1), value = field.value;
        if (is_first(name, "Type", type_seen)) {
            type_seen = field.name;
            TRY(read_type(arena, value, part));
        } else if (is_first(name, "Transfer-Encoding", part->encoding_name)) {
            TRY(read_encoding(arena, value, part));
        } else if (is_first(name, "Disposition", part->disposition)) {
            TRY(mime_parameters_parse(arena, value, &part->disposition,
                                      &part->disposition_parameters));
        } else if (is_first(name, "ID", part->id)) {
            TRY(mail_header_unfold(arena, value, &part->id));
        } else if (is_first(name, "Description", part->description)) {
            TRY(mail_header_unfold(arena, value, &part->description));
        } else if (is_first(name, "Language", part->language)) {
            TRY(mail_header_unfold(arena, value, &part->language));
        } else if (is_first(name, "Location", part->location)) {
            TRY(read_location(arena, value, &part->location));
        } else if (is_first(name, "MD5", part->md5)) {
            TRY(mail_header_unfold(arena, value, &part->md5));
        }
    }
    return OK;
}
