/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A script, a line "=====", a mail, and behind further such lines scripts that are included as "0",
 * "1", ...: whatever they are, the run ends, within its bounds, with one fate for the mail; the
 * same again gives the same.
 */
#include "base/assert.h"
#include "base/buffer.h"
#include "filter/sieve/sieve.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { OTHERS_MAX = 4 };
static slice others[OTHERS_MAX];
static struct sieve_script *compiled[OTHERS_MAX];

static error include(void *context, slice name, bool global, const struct sieve_script **out_script,
                     struct sieve_problem *out_problem)
{
    (void)context, (void)global;
    unsigned index = (unsigned char)name.data[0] - '0';
    if (index >= OTHERS_MAX || !others[index].data)
        return error_make(ERROR_NOT_FOUND, "there is none");
    if (!compiled[index])
        TRY(sieve_compile(others[index], &compiled[index], out_problem));
    *out_script = compiled[index];
    return OK;
}

/* What is before the next line "=====". */
static void take_part(slice *rest, slice *out_part)
{
    ptrdiff_t end = slice_find(*rest, SLICE("\n=====\n"));
    *out_part = end < 0 ? *rest : slice_sub(*rest, 0, (size_t)end + 1);
    *rest = end < 0 ? SLICE_EMPTY : slice_from(*rest, (size_t)end + 7);
}

static void check(const struct sieve_result *result)
{
    unsigned redirects = 0;
    bool fate = false;
    ASSERT(result->count <= SIEVE_ACTIONS_MAX);
    for (unsigned i = 0; i < result->count; i++) {
        const struct sieve_action *action = &result->actions[i];
        redirects += action->kind == SIEVE_ACTION_REDIRECT;
        fate |= action->kind <= SIEVE_ACTION_REJECT;
        ASSERT(action->to.flag_count <= SIEVE_FLAGS_MAX);
    }
    ASSERT(fate && redirects <= SIEVE_REDIRECTS_DEFAULT);
    ASSERT(!result->failed || (result->keeps && result->problem.text[0]));
}

static void run(const struct sieve_script *script, slice mail, struct buffer *out)
{
    struct sieve_input input = {.message = mail,
                                .from = SLICE("coyote@desert.example.org"),
                                .to = SLICE("roadrunner+box@acme.example.com"),
                                .now = 1246442400,
                                .world.include = include};
    struct sieve_result result;
    struct arena arena;
    arena_init(&arena, SIEVE_RUN_MEMORY_MAX);
    ASSERT(!failed(
        sieve_run(script, &input, SIEVE_ACTIONS_MAX, SIEVE_REDIRECTS_DEFAULT, &arena, &result)));
    check(&result);
    sieve_result_write(&result, out);
    arena_close(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    slice rest = slice_of(data, size), text, mail;
    struct sieve_problem problem = {0};
    struct sieve_script *script = NULL;
    struct buffer first, again;
    take_part(&rest, &text);
    take_part(&rest, &mail);
    for (unsigned i = 0; i < OTHERS_MAX; i++)
        take_part(&rest, &others[i]);
    if (failed(sieve_compile(text, &script, &problem))) {
        ASSERT(problem.text[0] && problem.line > 0);
        return 0;
    }
    buffer_init(&first, 64 << 20);
    buffer_init(&again, 64 << 20);
    run(script, mail, &first);
    run(script, mail, &again);
    ASSERT(slice_equal(buffer_slice(&first), buffer_slice(&again)));
    buffer_close(&first);
    buffer_close(&again);
    for (unsigned i = 0; i < OTHERS_MAX; i++)
        sieve_script_destroy(&compiled[i]);
    sieve_script_destroy(&script);
    return 0;
}
