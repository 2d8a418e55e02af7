/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/mail/auth_results.h"

/* RFC 2045 5.1: a token; with what may stand in a dot-atom or address beside it (RFC 8601 2.2
 * "pvalue"). */
static bool is_plain(slice value)
{
    for (size_t i = 0; i < value.size; i++) {
        char c = value.data[i];
        if (!ascii_is_alpha(c) && !ascii_is_digit(c) &&
            slice_find_byte(SLICE("-_.@+/!#$%&'*^`{|}~"), c) < 0)
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
    if (value.size == 0 || !is_quotable(value))
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
