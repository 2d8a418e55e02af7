/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Flags (RFC 5232): the internal variable, flags in variables of the script, lists of them.
 */
#include "base/buffer.h"
#include "filter/sieve/run.h"

/* "\\Seen" and its fellows, or a keyword (RFC 9051 9: atom). */
static bool is_flag(slice flag)
{
    slice name = slice_starts(flag, SLICE("\\")) ? slice_from(flag, 1) : flag;
    for (size_t i = 0; i < name.size; i++)
        if ((unsigned char)name.data[i] <= ' ' || (unsigned char)name.data[i] >= 127 ||
            strchr("(){%*\"\\]", name.data[i]))
            return false;
    if (name.size == 0 || name.size == flag.size)
        return name.size > 0;
    static const char *const system[] = {"Seen", "Answered", "Flagged", "Deleted", "Draft"};
    for (unsigned i = 0; i < sizeof system / sizeof *system; i++)
        if (slice_equal_nocase(name, slice_from_string(system[i])))
            return true;
    return false;
}

static int find(const struct sieve_flags *flags, slice flag)
{
    for (unsigned i = 0; i < flags->count; i++)
        if (slice_equal_nocase(flags->flags[i], flag))
            return (int)i;
    return -1;
}

static bool take_word(slice *rest, slice *out_word)
{
    *rest = slice_trim(*rest);
    size_t size = 0;
    while (size < rest->size && !strchr(" \t\r\n", rest->data[size] ? rest->data[size] : '!'))
        size++;
    *out_word = slice_sub(*rest, 0, size);
    *rest = slice_from(*rest, size);
    return size > 0;
}

error sieve_flags_add(struct sieve_run *run, struct sieve_flags *flags, const slice *strings,
                      unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        slice rest = strings[i], flag;
        while (take_word(&rest, &flag)) {
            TRY(sieve_run_charge(run, flag.size));
            if (!is_flag(flag) || find(flags, flag) >= 0)
                continue; /* RFC 5232 2: what is no flag is ignored */
            if (flags->count == SIEVE_FLAGS_MAX)
                return sieve_run_fail(run, "more than %d flags", SIEVE_FLAGS_MAX);
            flags->flags[flags->count++] = flag;
        }
    }
    return OK;
}

static error remove_flags(struct sieve_run *run, struct sieve_flags *flags, const slice *strings,
                          unsigned count)
{
    struct sieve_flags gone = {0};
    TRY(sieve_flags_add(run, &gone, strings, count));
    for (unsigned i = 0; i < gone.count; i++) {
        int at = find(flags, gone.flags[i]);
        if (at >= 0)
            memmove(&flags->flags[at], &flags->flags[at + 1],
                    (--flags->count - (unsigned)at) * sizeof *flags->flags);
    }
    return OK;
}

error sieve_flags_of(struct sieve_run *run, const struct sieve_argument *variables,
                     struct sieve_flags *out_flags)
{
    if (!variables) {
        *out_flags = run->flags;
        return OK;
    }
    out_flags->count = 0;
    for (unsigned i = 0; i < variables->count; i++) {
        slice value = sieve_variable_get(run, variables->strings[i]);
        TRY(sieve_flags_add(run, out_flags, &value, 1));
    }
    return OK;
}

static error store(struct sieve_run *run, slice variable, const struct sieve_flags *flags)
{
    struct buffer text;
    buffer_init(&text, SIEVE_VARIABLE_SIZE_MAX);
    for (unsigned i = 0; i < flags->count; i++) {
        if (i)
            buffer_add_byte(&text, ' ');
        buffer_add(&text, flags->flags[i]);
    }
    error problem = buffer_check(&text);
    if (!failed(problem))
        problem = sieve_variable_set(run, variable, buffer_slice(&text));
    buffer_close(&text);
    return problem;
}

error sieve_run_flags(struct sieve_run *run, const struct sieve_meaning *meaning)
{
    const struct sieve_argument *variable = meaning->positional[0];
    unsigned count = meaning->positional[1]->count;
    const slice *strings;
    struct sieve_flags flags = {0};
    TRY(sieve_expand_list(run, meaning->positional[1], &strings));
    if (meaning->verb != SIEVE_VERB_SETFLAG)
        TRY(sieve_flags_of(run, variable, &flags));
    if (meaning->verb == SIEVE_VERB_REMOVEFLAG)
        TRY(remove_flags(run, &flags, strings, count));
    else
        TRY(sieve_flags_add(run, &flags, strings, count));
    if (variable)
        return store(run, variable->strings[0], &flags);
    run->flags = flags;
    return OK;
}
