/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Scripts within scripts (RFC 6609). An included script has variables, captures and extensions of
 * its own; the mail, its flags and the list of actions are those of all.
 */
#include "filter/sieve/run.h"

static bool is_same(slice a, bool a_global, slice b, bool b_global)
{
    return a_global == b_global && slice_equal(a, b);
}

static bool was_included(const struct sieve_run *run, slice name, bool global)
{
    for (const struct sieve_included *one = run->included; one; one = one->next)
        if (is_same(one->name, one->global, name, global))
            return true;
    return false;
}

/* RFC 6609 3.2: nothing includes itself, nor too many others. */
static error check_bounds(struct sieve_run *run, slice name, bool global)
{
    unsigned depth = 0;
    for (const struct sieve_scope *scope = run->scope; scope->includer; scope = scope->includer) {
        if (is_same(scope->name, scope->global, name, global))
            return sieve_run_fail(run, "\"%.*s\" includes itself", SLICE_ARG(name));
        depth++;
    }
    if (depth == SIEVE_INCLUDE_DEPTH_MAX)
        return sieve_run_fail(run, "scripts include each other more than %d deep",
                              SIEVE_INCLUDE_DEPTH_MAX);
    if (run->included_count == SIEVE_INCLUDES_MAX)
        return sieve_run_fail(run, "more than %d scripts are included", SIEVE_INCLUDES_MAX);
    return OK;
}

/* WAITS. NULL: it is not there, and need not be. */
static error find(struct sieve_run *run, slice name, bool global, bool optional,
                  const struct sieve_script **out_script)
{
    const struct sieve_world *world = &run->input->world;
    struct sieve_problem wrong = {0};
    error problem = world->include
                        ? world->include(world->context, name, global, out_script, &wrong)
                        : error_make(ERROR_NOT_FOUND, "there are no other scripts here");
    if (!failed(problem))
        return OK;
    *out_script = NULL;
    if (problem.kind == ERROR_NOT_FOUND)
        return optional
                   ? OK
                   : sieve_run_fail(run, "there is no script \"%.*s\" to include", SLICE_ARG(name));
    name = slice_sub(name, 0, SIEVE_NAME_SHOWN_MAX);
    if (wrong.text[0])
        return sieve_run_fail(run, "in \"%.*s\": line %u: %s", SLICE_ARG(name), wrong.line,
                              wrong.text);
    return sieve_run_fail(run, "\"%.*s\" cannot be included: %s", SLICE_ARG(name), problem.text);
}

static error run_script(struct sieve_run *run, const struct sieve_script *script, slice name,
                        bool global)
{
    unsigned line = run->line;
    struct sieve_scope *scope = ARENA_NEW(run->arena, struct sieve_scope);
    struct sieve_included *included = ARENA_NEW(run->arena, struct sieve_included);
    TRY_MEMORY(scope);
    TRY_MEMORY(included);
    *included = (struct sieve_included){run->included, name, global};
    run->included = included;
    run->included_count++;
    scope->script = script;
    scope->name = name;
    scope->global = global;
    scope->includer = run->scope;
    run->scope = scope;
    TRY(sieve_run_commands(run, script->first));
    run->scope = scope->includer;
    run->line = line;
    return OK;
}

error sieve_run_include(struct sieve_run *run, const struct sieve_meaning *meaning)
{
    slice name = meaning->positional[0]->strings[0];
    bool global = meaning->tags[SIEVE_TAG_GLOBAL] != NULL;
    const struct sieve_script *script;
    if (meaning->tags[SIEVE_TAG_ONCE] && was_included(run, name, global))
        return OK;
    TRY(check_bounds(run, name, global));
    TRY(sieve_run_charge(run, 256 * 16)); /* a look at a disk */
    TRY(find(run, name, global, meaning->tags[SIEVE_TAG_OPTIONAL] != NULL, &script));
    return script ? run_script(run, script, name, global) : OK;
}
