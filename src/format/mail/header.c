/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/mail/header.h"

void mail_header_begin(struct mail_header_iterator *iterator, slice text)
{
    *iterator = (struct mail_header_iterator){.text = slice_sub(text, 0, MAIL_HEADER_SIZE_MAX)};
}

/* Behind the line end of the line that begins at `at`, or the end of the text. */
static size_t line_after(slice text, size_t at)
{
    const char *end = memchr(text.data + at, '\n', text.size - at);
    return end ? (size_t)(end - text.data) + 1 : text.size;
}

/* RFC 5322 2.2: printable bytes without the colon. Blanks before the colon are an obsolete form
 * (4.5); bytes of UTF-8 are let through. */
static slice field_name(slice line)
{
    slice name, rest;
    if (!slice_cut(line, ':', &name, &rest))
        return SLICE_EMPTY;
    while (name.size && (name.data[name.size - 1] == ' ' || name.data[name.size - 1] == '\t'))
        name.size--;
    for (size_t i = 0; i < name.size; i++)
        if ((unsigned char)name.data[i] <= ' ' || name.data[i] == 0x7f)
            return SLICE_EMPTY;
    return name;
}

bool mail_header_next(struct mail_header_iterator *iterator, struct mail_header_field *out_field)
{
    slice text = iterator->text;
    size_t start = iterator->at;
    if (start >= text.size || mail_line_end_size(text, start) ||
        iterator->field_count >= MAIL_HEADER_FIELD_COUNT_MAX)
        return false;
    size_t first_end = line_after(text, start), end = first_end;
    while (end < text.size && (text.data[end] == ' ' || text.data[end] == '\t'))
        end = line_after(text, end); /* RFC 5322 2.2.3: folded */
    slice first_line = slice_sub(text, start, first_end - start);
    slice whole = slice_sub(text, start, end - start);
    slice name = field_name(first_line);
    slice value = whole;
    if (name.size)
        value = slice_from(whole, (size_t)slice_find_byte(first_line, ':') + 1);
    if (value.size && value.data[value.size - 1] == '\n')
        value.size--;
    if (value.size && value.data[value.size - 1] == '\r')
        value.size--;
    *out_field = (struct mail_header_field){name, value, start, end - start};
    iterator->at = end;
    iterator->field_count++;
    return true;
}

size_t mail_header_size(slice message)
{
    size_t at = 0;
    while (at < message.size) {
        size_t empty = mail_line_end_size(message, at);
        if (empty)
            return at + empty;
        at = line_after(message, at);
    }
    return message.size;
}

static bool find(slice text, slice name, bool last, slice *out_value)
{
    struct mail_header_iterator iterator;
    struct mail_header_field field;
    bool found = false;
    mail_header_begin(&iterator, text);
    while (mail_header_next(&iterator, &field)) {
        if (field.name.size != name.size || !slice_equal_nocase(field.name, name))
            continue;
        *out_value = field.value;
        found = true;
        if (!last)
            break;
    }
    return found;
}

bool mail_header_find(slice text, slice name, slice *out_value)
{
    return find(text, name, false, out_value);
}

bool mail_header_find_last(slice text, slice name, slice *out_value)
{
    return find(text, name, true, out_value);
}

error mail_header_unfold(struct arena *arena, slice value, slice *out_text)
{
    value = slice_trim(value);
    if (slice_find_byte(value, '\n') < 0 && slice_find_byte(value, '\r') < 0) {
        *out_text = value;
        return OK;
    }
    char *copy = arena_alloc_bytes(arena, value.size);
    TRY_MEMORY(copy);
    size_t size = 0;
    for (size_t i = 0; i < value.size; i++)
        if (value.data[i] != '\n' && value.data[i] != '\r')
            copy[size++] = value.data[i];
    *out_text = (slice){copy, size};
    return OK;
}
