/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/mail/auth_results.h"

#include "base/cursor.h"
#include "format/mail/header.h"

/* RFC 2045 5.1: a token; with what may stand in a dot-atom or address beside it (RFC 8601 2.2
 * "pvalue"). */
static bool is_plain(slice value)
{
    for (size_t i = 0; i < value.size; i++) {
        char c = value.data[i];
        if (!ascii_is_alpha(c) && !ascii_is_digit(c) &&
            slice_find_byte(SLICE("-_.@+!#$%&'*^`{|}~"), c) < 0)
            return false;
    }
    return value.size > 0;
}

static bool is_quotable(slice value)
{
    for (size_t i = 0; i < value.size; i++)
        if ((unsigned char)value.data[i] < ' ' || value.data[i] == 0x7f)
            return false;
    return true;
}

/* As add_value writes it, without the quotes. */
static size_t written_size(slice value)
{
    size_t size = value.size;
    for (size_t i = 0; i < value.size; i++)
        size += value.data[i] == '"' || value.data[i] == '\\';
    return size;
}

static void add_value(struct buffer *out, slice value)
{
    if (is_plain(value)) {
        buffer_add(out, value);
        return;
    }
    buffer_add_byte(out, '"');
    for (size_t i = 0; i < value.size; i++) {
        if (value.data[i] == '"' || value.data[i] == '\\')
            buffer_add_byte(out, '\\');
        buffer_add_byte(out, value.data[i]);
    }
    buffer_add_byte(out, '"');
}

void auth_results_begin(struct auth_results *results, slice host, struct buffer *out)
{
    *results = (struct auth_results){.out = out};
    add_value(out, host);
}

void auth_results_add(struct auth_results *results, const char *method, const char *result,
                      const char *reason)
{
    buffer_format(results->out, ";\r\n\t%s=%s", method, result);
    if (reason) {
        buffer_add_string(results->out, " reason=");
        add_value(results->out, slice_from_string(reason));
    }
    results->any = true;
}

void auth_results_property(struct auth_results *results, const char *name, slice value)
{
    if (value.size == 0 || written_size(value) > AUTH_RESULTS_VALUE_SIZE_MAX || !is_quotable(value))
        return;
    buffer_format(results->out, " %s=", name);
    add_value(results->out, value);
}

void auth_results_end(struct auth_results *results)
{
    if (!results->any)
        buffer_add_string(results->out, "; none");
}

bool auth_results_mention(slice value, slice method)
{
    slice item;
    bool first = true;
    while (value.size) {
        slice_cut(value, ';', &item, &value);
        item = slice_trim(item);
        if (!first && slice_starts_nocase(item, method) && item.size > method.size &&
            item.data[method.size] == '=')
            return true;
        first = false;
    }
    return false;
}

bool auth_results_says(slice value, slice method, slice result)
{
    slice item, name, rest;
    while (value.size) {
        slice_cut(value, ';', &item, &value);
        if (!slice_cut(item, '=', &name, &rest) || !slice_equal_nocase(slice_trim(name), method))
            continue;
        rest = slice_trim(rest);
        if (slice_starts_nocase(rest, result) &&
            (rest.size == result.size || !ascii_is_alpha(rest.data[result.size])))
            return true;
    }
    return false;
}

/* ---- Fields of others that bear our name ---- */

/* RFC 5322 3.2.2: blanks, line ends and comments, nested ones too. False where one is not closed.
 */
static bool skip_comments(struct cursor *c)
{
    unsigned depth = 0;
    for (; !cursor_done(c); c->at++) {
        char byte = *c->at;
        if (byte == '(')
            depth++;
        else if (depth > 0 && byte == ')')
            depth--;
        else if (depth > 0 && byte == '\\' && c->at + 1 < c->end)
            c->at++;
        else if (depth == 0 && byte != ' ' && byte != '\t' && byte != '\r' && byte != '\n')
            break;
    }
    return depth == 0;
}

static bool take_quoted(struct cursor *c, slice *out_text)
{
    const char *first = ++c->at;
    for (; !cursor_done(c); c->at++) {
        if (*c->at == '"') {
            *out_text = slice_of(first, (size_t)(c->at - first));
            c->at++;
            return true;
        }
        if (*c->at == '\\' && c->at + 1 < c->end)
            c->at++;
    }
    return false;
}

/* RFC 8601 2.2: [CFWS] authserv-id [ CFWS version ] */
bool auth_results_host(slice value, slice *out_host)
{
    struct cursor c = cursor_over(value);
    if (!skip_comments(&c))
        return false;
    const char *first = c.at;
    slice host;
    if (cursor_peek(&c) == '"') {
        if (!take_quoted(&c, &host))
            return false;
    } else {
        while (!cursor_done(&c) && slice_find_byte(SLICE(" \t\r\n(;"), *c.at) < 0)
            c.at++;
        host = slice_of(first, (size_t)(c.at - first));
    }
    if (slice_ends(host, SLICE(".")))
        host.size--;
    *out_host = host;
    return host.size > 0 && slice_find_byte(host, '\\') < 0;
}

static bool is_claimed(const struct mail_header_field *field, slice host)
{
    slice author;
    return slice_equal_nocase(field->name, SLICE("Authentication-Results")) &&
           (!auth_results_host(field->value, &author) || slice_equal_nocase(author, host));
}

/* A field that stays is moved behind the last one that stayed: never past what was not yet read. */
size_t auth_results_clean(char *message, size_t size, slice host)
{
    struct mail_header_iterator iterator;
    struct mail_header_field field;
    size_t kept = 0;
    mail_header_begin(&iterator, slice_of(message, size));
    while (mail_header_next(&iterator, &field)) {
        if (is_claimed(&field, host))
            continue;
        if (kept != field.offset)
            memmove(message + kept, message + field.offset, field.size);
        kept += field.size;
    }
    if (kept != iterator.at)
        memmove(message + kept, message + iterator.at, size - iterator.at);
    return kept + size - iterator.at;
}
