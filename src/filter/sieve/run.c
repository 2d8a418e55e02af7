/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A script is run: command by command, until its end, a stop, or an error, after which the mail is
 * kept as if there were no script (RFC 5228 2.10.6).
 */
#include "filter/sieve/run.h"

#include "base/metric.h"

#include <stdarg.h>
#include <stdio.h>

METRIC_COUNTER(metric_runs, "ringmail_sieve_runs_total", "", "Scripts run over a mail");
METRIC_COUNTER(metric_failures, "ringmail_sieve_failures_total", "",
               "Runs that failed: the mail was kept");

error sieve_run_fail(struct sieve_run *run, const char *format, ...)
{
    struct sieve_problem *problem = &run->result->problem;
    int size = 0;
    va_list arguments;
    if (run->scope->includer)
        size = snprintf(problem->text, sizeof problem->text, "in \"%.*s\": ",
                        SLICE_ARG(slice_sub(run->scope->name, 0, SIEVE_NAME_SHOWN_MAX)));
    va_start(arguments, format);
    vsnprintf(problem->text + size, sizeof problem->text - (size_t)size, format, arguments);
    va_end(arguments);
    problem->line = run->line;
    return error_make(ERROR_PERMANENT, "the script failed");
}

error sieve_run_charge(struct sieve_run *run, size_t bytes)
{
    run->steps += 1 + bytes / 256;
    return run->steps > SIEVE_STEPS_MAX ? sieve_run_fail(run, "the script has too much to do") : OK;
}

static error run_error(struct sieve_run *run, const struct sieve_meaning *meaning)
{
    slice text;
    TRY(sieve_expand_argument(run, meaning->positional[0], &text));
    return sieve_run_fail(run, "error: %.*s", SLICE_ARG(text));
}

/* if, elsif, else: `*taken` where one of the chain was. */
static error run_branch(struct sieve_run *run, const struct sieve_node *node, bool *taken)
{
    bool is_true = true;
    if (sieve_meaning_of(node)->verb == SIEVE_VERB_IF)
        *taken = false;
    if (*taken)
        return OK;
    if (node->tests)
        TRY(sieve_test(run, node->tests, &is_true));
    if (!is_true)
        return OK;
    *taken = true;
    return sieve_run_commands(run, node->block);
}

static error run_command(struct sieve_run *run, const struct sieve_node *node, bool *taken)
{
    const struct sieve_meaning *meaning = sieve_meaning_of(node);
    switch (meaning->verb) {
    case SIEVE_VERB_REQUIRE:
        return OK;
    case SIEVE_VERB_IF:
    case SIEVE_VERB_ELSIF:
    case SIEVE_VERB_ELSE:
        return run_branch(run, node, taken);
    case SIEVE_VERB_STOP:
        run->stopped = true;
        return OK;
    case SIEVE_VERB_SETFLAG:
    case SIEVE_VERB_ADDFLAG:
    case SIEVE_VERB_REMOVEFLAG:
        return sieve_run_flags(run, meaning);
    case SIEVE_VERB_SET:
        return sieve_run_set(run, meaning);
    case SIEVE_VERB_ADDHEADER:
        return sieve_run_add_header(run, meaning);
    case SIEVE_VERB_DELETEHEADER:
        return sieve_run_delete_header(run, meaning);
    case SIEVE_VERB_ERROR:
        return run_error(run, meaning);
    case SIEVE_VERB_INCLUDE:
        return sieve_run_include(run, meaning);
    case SIEVE_VERB_RETURN: /* RFC 6609 3.3: in the script that was asked, a stop */
        run->scope->returned = true;
        return OK;
    case SIEVE_VERB_GLOBAL:
        return sieve_run_global(run, meaning);
    default:
        return sieve_run_action(run, meaning);
    }
}

error sieve_run_commands(struct sieve_run *run, const struct sieve_node *first)
{
    const struct sieve_scope *scope = run->scope;
    bool taken = false;
    if (++run->depth > SIEVE_BLOCKS_MAX)
        return sieve_run_fail(run, "blocks of included scripts are nested too deep");
    for (const struct sieve_node *node = first; node && !run->stopped && !scope->returned;
         node = node->next) {
        run->line = node->line;
        TRY(sieve_run_charge(run, 0));
        TRY(run_command(run, node, &taken));
    }
    run->depth--;
    return OK;
}

error sieve_run(const struct sieve_script *script, const struct sieve_input *input,
                unsigned actions_max, unsigned redirects_max, struct arena *arena,
                struct sieve_result *out_result)
{
    struct sieve_result result = {0};
    struct sieve_run *run = ARENA_NEW(arena, struct sieve_run);
    struct sieve_action *keep = ARENA_NEW(arena, struct sieve_action); /* for when it fails */
    struct sieve_scope *scope = ARENA_NEW(arena, struct sieve_scope);
    TRY_MEMORY(run);
    TRY_MEMORY(scope);
    TRY_MEMORY(keep);
    scope->script = script;
    run->scope = scope;
    run->input = input;
    run->arena = arena;
    run->result = &result;
    run->actions_max = actions_max < SIEVE_ACTIONS_MAX ? actions_max : SIEVE_ACTIONS_MAX;
    run->redirects_max = redirects_max;
    metric_add(&metric_runs, 1);
    error problem = sieve_run_commands(run, script->first);
    if (!failed(problem))
        problem = sieve_run_implicit_keep(run);
    if (failed(problem)) {
        metric_add(&metric_failures, 1);
        if (!result.problem.text[0])
            error_ignore(sieve_run_fail(run, "%s", problem.text)); /* the arena is full */
        *keep = (struct sieve_action){
            .kind = SIEVE_ACTION_KEEP, .implicit = true, .to.mailbox = SLICE("INBOX")};
        keep->text = keep->to.mailbox;
        result.actions = keep;
        result.count = 1;
        result.failed = true;
    }
    for (unsigned i = 0; i < result.count; i++)
        result.keeps |= result.actions[i].kind == SIEVE_ACTION_KEEP;
    *out_result = result;
    return OK;
}
