/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Variables (RFC 5229) and the strings that mention them.
 */
#include "base/buffer.h"
#include "base/cursor.h"
#include "base/utf8.h"
#include "filter/sieve/check.h"
#include "filter/sieve/run.h"

static struct sieve_variable *find(struct sieve_variables *variables, slice name)
{
    for (unsigned i = 0; i < variables->count; i++)
        if (slice_equal_nocase(variables->items[i].name, name))
            return &variables->items[i];
    return NULL;
}

static error make(struct sieve_run *run, struct sieve_variables *variables, slice name,
                  struct sieve_variable **out_variable)
{
    if (variables->count == SIEVE_VARIABLES_MAX)
        return sieve_run_fail(run, "more than %d variables", SIEVE_VARIABLES_MAX);
    *out_variable = &variables->items[variables->count++];
    (*out_variable)->name = name;
    return OK;
}

/* Among which ones it is: the script's own, or those of all (RFC 6609 3.4). */
static struct sieve_variables *variables_of(struct sieve_run *run, slice *name)
{
    struct sieve_variables *own = &run->scope->variables;
    if (sieve_name_take_global(run->scope->script, name))
        return &run->globals;
    const struct sieve_variable *variable = find(own, *name);
    return variable && variable->global ? &run->globals : own;
}

slice sieve_variable_get(struct sieve_run *run, slice name)
{
    struct sieve_variables *variables = variables_of(run, &name);
    const struct sieve_variable *variable = find(variables, name);
    return variable ? variable->value : SLICE_EMPTY;
}

/* Not in the middle of a character. */
static slice cut(slice text, size_t size)
{
    if (text.size <= size)
        return text;
    while (size > 0 && ((unsigned char)text.data[size] & 0xc0) == 0x80)
        size--;
    return slice_sub(text, 0, size);
}

error sieve_variable_set(struct sieve_run *run, slice name, slice value)
{
    struct sieve_variables *variables = variables_of(run, &name);
    struct sieve_variable *variable = find(variables, name);
    if (!variable)
        TRY(make(run, variables, name, &variable));
    return arena_copy(run->arena, cut(value, SIEVE_VARIABLE_SIZE_MAX), &variable->value);
}

/* A name that the script has given a value of its own cannot become one of all. */
error sieve_run_global(struct sieve_run *run, const struct sieve_meaning *meaning)
{
    const struct sieve_argument *names = meaning->positional[0];
    struct sieve_variables *own = &run->scope->variables;
    for (unsigned i = 0; i < names->count; i++) {
        struct sieve_variable *variable = find(own, names->strings[i]);
        TRY(sieve_run_charge(run, 0));
        if (variable && !variable->global)
            return sieve_run_fail(run, "\"%.*s\" was used before it was declared as global",
                                  SLICE_ARG(names->strings[i]));
        if (!variable)
            TRY(make(run, own, names->strings[i], &variable));
        variable->global = true;
    }
    return OK;
}

/* "${name}" at the cursor. False: no reference, the text is as it is (RFC 5229 3). */
static bool take_reference(struct sieve_run *run, struct cursor *c, slice *out_value)
{
    struct cursor at = *c;
    slice name;
    uint64_t number;
    if (!cursor_take(&at, SLICE("${")) || !cursor_take_until(&at, '}', &name))
        return false;
    struct cursor digits = cursor_over(name);
    if (cursor_take_u64(&digits, UINT32_MAX, &number) && cursor_done(&digits))
        *out_value = number < run->scope->matched_count ? run->scope->matched[number] : SLICE_EMPTY;
    else if (sieve_name_is_variable(run->scope->script, name))
        *out_value = sieve_variable_get(run, name);
    else
        return false;
    at.at++;
    *c = at;
    return true;
}

/* How long, or (out not NULL) what. */
static size_t expand(struct sieve_run *run, slice text, char *out)
{
    struct cursor c = cursor_over(text);
    size_t size = 0;
    slice value;
    while (!cursor_done(&c)) {
        if (*c.at != '$' || !take_reference(run, &c, &value))
            value = slice_of(c.at++, 1);
        if (out && value.size)
            memcpy(out + size, value.data, value.size);
        size += value.size;
    }
    return size;
}

error sieve_expand(struct sieve_run *run, slice text, slice *out_text)
{
    *out_text = text;
    if (!sieve_requires(run->scope->script, SIEVE_EXTENSION_VARIABLES) ||
        slice_find(text, SLICE("${")) < 0)
        return OK;
    size_t size = expand(run, text, NULL);
    TRY(sieve_run_charge(run, text.size + size));
    char *out = arena_alloc_bytes(run->arena, size + 1);
    TRY_MEMORY(out);
    expand(run, text, out);
    *out_text = slice_of(out, size);
    return OK;
}

error sieve_expand_list(struct sieve_run *run, const struct sieve_argument *list,
                        const slice **out_strings)
{
    if (!sieve_requires(run->scope->script, SIEVE_EXTENSION_VARIABLES)) {
        *out_strings = list->strings;
        return OK;
    }
    slice *strings = ARENA_ARRAY(run->arena, slice, list->count + 1);
    TRY_MEMORY(strings);
    TRY(sieve_run_charge(run, list->count * sizeof *strings));
    for (unsigned i = 0; i < list->count; i++)
        TRY(sieve_expand(run, list->strings[i], &strings[i]));
    *out_strings = strings;
    return OK;
}

error sieve_expand_argument(struct sieve_run *run, const struct sieve_argument *argument,
                            slice *out_text)
{
    *out_text = SLICE_EMPTY;
    return argument ? sieve_expand(run, argument->strings[0], out_text) : OK;
}

/* ---- set, and what it makes of a value (RFC 5229 4.1, RFC 5435 7) ---- */

static size_t count_characters(slice text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.size; i++)
        count += ((unsigned char)text.data[i] & 0xc0) != 0x80;
    return count;
}

static void fold_case(const struct sieve_meaning *meaning, char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (meaning->tags[SIEVE_TAG_LOWER])
            text[i] = ascii_lower(text[i]);
        if (meaning->tags[SIEVE_TAG_UPPER])
            text[i] = ascii_upper(text[i]);
    }
    if (size && meaning->tags[SIEVE_TAG_LOWERFIRST])
        text[0] = ascii_lower(text[0]);
    if (size && meaning->tags[SIEVE_TAG_UPPERFIRST])
        text[0] = ascii_upper(text[0]);
}

static void quote(struct buffer *out, slice text, const char *special)
{
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] && strchr(special, text.data[i]))
            buffer_add_byte(out, '\\');
        buffer_add_byte(out, text.data[i]);
    }
}

static void encode_url(struct buffer *out, slice text)
{
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        if (ascii_is_alpha(c) || ascii_is_digit(c) || strchr("-._~", c ? c : '!'))
            buffer_add_byte(out, c);
        else
            buffer_format(out, "%%%02X", (unsigned char)c);
    }
}

static error modify(struct sieve_run *run, const struct sieve_meaning *meaning, slice value,
                    struct buffer *out)
{
    char *copy = arena_alloc_bytes(run->arena, value.size + 1);
    TRY_MEMORY(copy);
    if (value.size)
        memcpy(copy, value.data, value.size);
    fold_case(meaning, copy, value.size);
    slice folded = slice_of(copy, value.size);
    if (meaning->tags[SIEVE_TAG_QUOTEWILDCARD])
        quote(out, folded, "*?\\");
    else if (meaning->tags[SIEVE_TAG_QUOTEREGEX])
        quote(out, folded, "\\^$.[]|()*+?{}");
    else
        buffer_add(out, folded);
    if (meaning->tags[SIEVE_TAG_ENCODEURL]) {
        TRY(arena_copy(run->arena, buffer_slice(out), &folded));
        buffer_reset(out);
        encode_url(out, folded);
    }
    if (meaning->tags[SIEVE_TAG_LENGTH]) {
        size_t count = count_characters(buffer_slice(out));
        buffer_reset(out);
        buffer_add_u64(out, count);
    }
    return buffer_check(out);
}

error sieve_run_set(struct sieve_run *run, const struct sieve_meaning *meaning)
{
    slice value;
    struct buffer out;
    TRY(sieve_expand_argument(run, meaning->positional[1], &value));
    TRY(sieve_run_charge(run, value.size));
    buffer_init(&out, 8 * (size_t)SIEVE_SCRIPT_SIZE_MAX);
    error problem = modify(run, meaning, cut(value, SIEVE_SCRIPT_SIZE_MAX), &out);
    if (!failed(problem))
        problem = sieve_variable_set(run, meaning->positional[0]->strings[0], buffer_slice(&out));
    buffer_close(&out);
    return problem;
}
