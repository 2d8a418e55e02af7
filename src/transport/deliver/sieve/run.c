/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "transport/deliver/sieve/run.h"

#include "base/log.h"
#include "base/metric.h"
#include "data/scripts/memory.h"
#include "data/store/store.h"
#include "runtime/message.h"
#include "transport/deliver/sieve/cache.h"
#include "transport/deliver/sieve/decide.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

METRIC_COUNTER(errors, "ringmail_sieve_errors_total", "",
               "Sieve scripts that did not compile, failed or met a limit: the mail was kept");
METRIC_HISTOGRAM(run_time, "ringmail_sieve_seconds", "", "Asking the scripts about one mail");

enum { SCRIPTS_MAX = 32, FOLDER_FILES_MAX = 16 }; /* of one account, global ones included */

struct script_file {
    const char *path;
    struct script_version version;
    bool own; /* the account's: errors are its owner's to know */
};

/* A script in use until the plan is made: actions point into it. */
struct held {
    struct held *next;
    struct sieve_cached *cached;
};

struct job {
    struct sieve_asking asking;
    struct script_place place;
    struct script_file scripts[SCRIPTS_MAX];
    unsigned count;
    struct held *held;
};

/* ---- Which scripts ---- */

static void add_file(struct job *job, const char *path, bool own)
{
    struct script_file *script = &job->scripts[job->count];
    if (job->count == SCRIPTS_MAX || failed(script_look(path, &script->version)))
        return;
    script->path = path;
    script->own = own;
    job->count++;
}

static int is_script(const struct dirent *file)
{
    return file->d_name[0] != '.' && slice_ends(slice_from_string(file->d_name), SLICE(".sieve"));
}

/* All *.sieve of a folder, in the order of their names. */
static error add_folder(struct job *job, const char *path)
{
    struct dirent **files;
    error problem = OK;
    int count = scandir(path, &files, is_script, alphasort);
    for (int i = 0; i < count; i++) {
        slice whole;
        const char *string;
        if (!failed(problem) && i < FOLDER_FILES_MAX) {
            problem = arena_format(job->asking.arena, &whole, "%s/%s", path, files[i]->d_name);
            if (!failed(problem))
                problem = arena_string(job->asking.arena, whole, &string);
            if (!failed(problem))
                add_file(job, string, false);
        }
        free(files[i]);
    }
    if (count >= 0)
        free(files);
    return problem;
}

static error add_global(struct job *job, const struct setting_list *paths)
{
    for (size_t i = 0; i < paths->count; i++) {
        const char *path;
        struct stat facts;
        TRY(arena_string(job->asking.arena, paths->items[i], &path));
        if (stat(path, &facts) == 0 && S_ISDIR(facts.st_mode))
            TRY(add_folder(job, path));
        else
            add_file(job, path, false);
    }
    return OK;
}

static error find_scripts(struct job *job)
{
    const struct sieve_settings *settings = job->asking.settings;
    TRY(add_global(job, &settings->before));
    unsigned before = job->count;
    add_file(job, job->place.active, true);
    if (job->count == before && settings->fallback.size) {
        const char *path;
        TRY(arena_string(job->asking.arena, settings->fallback, &path));
        add_file(job, path, false);
    }
    return add_global(job, &settings->after);
}

/* ---- Scripts in use ---- */

/* WAITS. */
static error hold(struct job *job, const char *path, const struct script_version *version,
                  struct sieve_cached **out_cached)
{
    struct held *held = ARENA_NEW(job->asking.arena, struct held);
    TRY_MEMORY(held);
    TRY(sieve_cache_get(path, version, &held->cached));
    held->next = job->held;
    job->held = held;
    *out_cached = held->cached;
    return OK;
}

static void let_go(struct job *job)
{
    for (struct held *held = job->held; held; held = held->next)
        sieve_cache_release(&held->cached);
}

/* ---- What scripts may ask ---- */

/* WAITS. */
static error include(void *context, slice name, bool global, const struct sieve_script **out_script,
                     struct sieve_problem *out_problem)
{
    struct job *job = CONTAINER_OF(context, struct job, asking);
    slice folder = global ? job->asking.settings->global : slice_from_string(job->place.folder);
    const char *path;
    struct script_version version;
    struct sieve_cached *cached;
    if (folder.size == 0)
        return error_make(ERROR_NOT_FOUND, "there are no scripts for everybody");
    TRY(script_path(folder, name, job->asking.arena, &path));
    TRY(script_look(path, &version));
    TRY(hold(job, path, &version, &cached));
    *out_script = cached->script;
    *out_problem = cached->problem;
    return cached->script ? OK : error_make(ERROR_MALFORMED, "the script does not compile");
}

static bool mailbox_is_there(void *context, slice name)
{
    struct account *account = sieve_asking_account(context);
    return account && !failed(mailbox_name_check(name)) && mailbox_exists(account, name);
}

static bool special_use_is_there(void *context, slice use, slice mailbox)
{
    struct sieve_asking *asking = context;
    enum mailbox_attribute attribute = sieve_special_use(use);
    slice name;
    bool exists = false;
    if (!attribute || !sieve_asking_account(asking) ||
        failed(account_special(asking->account, attribute, asking->arena, &name, &exists)))
        return false;
    return exists && (mailbox.size == 0 || slice_equal(name, mailbox));
}

/* RFC 7352: remembered when the mail was delivered, or the next try would take it for another. */
static bool is_duplicate(void *context, slice handle, slice id, int64_t seconds, bool last)
{
    struct sieve_asking *asking = context;
    const struct script_memory memory = {asking->plan->memory_path};
    struct sieve_outgoing seen = {
        .kind = SIEVE_SEEN, .memory = {SLICE("duplicate"), handle, id}, .memory_seconds = seconds};
    bool known = false;
    error problem = arena_copy(asking->arena, handle, &seen.memory[1]);
    if (!failed(problem))
        problem = arena_copy(asking->arena, id, &seen.memory[2]);
    if (!failed(problem))
        problem = script_memory_has(&memory, seen.memory, 3, time_wall_seconds(), &known);
    if (!failed(problem) && (!known || last))
        problem = sieve_outgoing_add(asking, seen);
    if (failed(problem))
        log_event(LOG_WARNING, "sieve.memory", problem, asking->target->account->address);
    return known;
}

/* ---- Running, on the home core ---- */

static void complain(const struct job *job, const struct script_file *script,
                     const struct sieve_problem *problem)
{
    const struct sieve_asking *asking = &job->asking;
    metric_add(&errors, 1);
    if (script->own)
        sieve_tell_owner(asking, "line %u: %s", problem->line, problem->text);
    struct log_line line = log_begin(LOG_WARNING, "sieve.script");
    log_text(&line, "id", asking->delivery->id);
    log_text(&line, "account", asking->target->account->address);
    log_string(&line, "script", script->path);
    log_number(&line, "line", problem->line);
    log_string(&line, "reason", problem->text);
    log_end(&line);
}

/* WAITS. A script that cannot be asked keeps the mail. */
static error ask(struct job *job, unsigned index, const struct sieve_input *input,
                 struct sieve_result *result)
{
    const struct script_file *script = &job->scripts[index];
    struct sieve_action *kept = ARENA_NEW(job->asking.arena, struct sieve_action);
    struct sieve_cached *cached = NULL;
    TRY_MEMORY(kept);
    *kept = (struct sieve_action){.kind = SIEVE_ACTION_KEEP, .implicit = true};
    *result = (struct sieve_result){.actions = kept, .count = 1, .keeps = true};
    error problem = hold(job, script->path, &script->version, &cached);
    if (failed(problem)) {
        log_event(LOG_WARNING, "sieve.read", problem, slice_from_string(script->path));
        return problem.kind == ERROR_CANCELLED ? problem : OK;
    }
    if (cached->script)
        problem = sieve_run(cached->script, input, job->asking.settings->actions_max,
                            job->asking.settings->redirects_max, job->asking.arena, result);
    if (!cached->script)
        complain(job, script, &cached->problem);
    else if (!failed(problem) && result->failed)
        complain(job, script, &result->problem);
    return problem;
}

/* Flags and header that a script before gave the mail which it kept stay with it, until a later one
 * says otherwise. */
static error decide(struct sieve_asking *asking, const struct sieve_action *action,
                    const struct sieve_action *kept)
{
    struct sieve_action merged = *action;
    if (action->kind != SIEVE_ACTION_KEEP || !kept)
        return sieve_decide(asking, action);
    if (merged.to.flag_count == 0) {
        merged.to.flags = kept->to.flags;
        merged.to.flag_count = kept->to.flag_count;
    }
    if (!merged.header.data)
        merged.header = kept->header;
    return sieve_decide(asking, &merged);
}

/* As Pigeonhole does it: the next is asked where this one keeps the mail, and its keep stands for
 * this one's. */
static error run_all(struct job *job)
{
    struct sieve_asking *asking = &job->asking;
    const struct deliver_local *d = asking->delivery;
    const struct sieve_input input = {
        .message = asking->whole,
        .from = d->sender,
        .to = asking->target->recipient.size ? asking->target->recipient
                                             : asking->target->account->address,
        .now = time_wall_seconds(),
        .host = asking->target->account->domain,
        .domain = asking->target->account->domain,
        .spam_tested = d->junk,
        .spam_percent = d->junk ? 100 : 0,
        .world = {.context = asking,
                  .mailbox_exists = mailbox_is_there,
                  .special_use_exists = special_use_is_there,
                  .is_duplicate = is_duplicate,
                  .include = include},
    };
    const struct sieve_action *kept = NULL;
    for (unsigned i = 0; i < job->count; i++) {
        struct sieve_result result;
        TRY(ask(job, i, &input, &result));
        bool goes_on = result.keeps && i + 1 < job->count;
        for (unsigned j = 0; j < result.count; j++)
            if (!goes_on || result.actions[j].kind != SIEVE_ACTION_KEEP)
                TRY(decide(asking, &result.actions[j], kept));
        for (unsigned j = 0; goes_on && j < result.count; j++)
            if (result.actions[j].kind == SIEVE_ACTION_KEEP &&
                (result.actions[j].to.flag_count || result.actions[j].header.data))
                kept = &result.actions[j];
        if (!goes_on)
            break;
    }
    return OK;
}

/* RFC 5228 2.10.6: whatever goes wrong, mail is kept. */
static error keep_after(struct job *job, error problem)
{
    const struct sieve_problem said = {.text = "it asks for more than may be"};
    const struct sieve_action keep = {.kind = SIEVE_ACTION_KEEP, .implicit = true};
    struct sieve_plan *plan = job->asking.plan;
    if (problem.kind != ERROR_LIMIT)
        return problem;
    complain(job, &job->scripts[job->count - 1], &said);
    plan->place_count = plan->outgoing_count = 0;
    plan->refused = false;
    return sieve_decide(&job->asking, &keep);
}

static error run_at_home(void *argument)
{
    struct job *job = argument;
    instant began = time_now();
    error problem = run_all(job);
    if (failed(problem))
        problem = keep_after(job, problem);
    account_close(&job->asking.account);
    let_go(job);
    metric_observe(&run_time, (uint64_t)(time_now() - began));
    return problem;
}

static error make_plan(struct job *job)
{
    struct sieve_plan *plan = job->asking.plan;
    slice path;
    TRY(arena_format(job->asking.arena, &path, "%s.memory", job->place.active));
    TRY(arena_string(job->asking.arena, path, &plan->memory_path));
    TRY(arena_format(job->asking.arena, &path, "%s.log", job->place.active));
    TRY(arena_string(job->asking.arena, path, &plan->log_path));
    plan->ran = true;
    return core_call(store_home_core(job->asking.target->account->address), run_at_home, job);
}

/* The mail as it will be stored, but for what names the account. */
static error join(const struct deliver_local *d, struct body *whole)
{
    whole->size_max = d->trace.size + d->message.size;
    error problem = body_append(whole, d->trace);
    if (!failed(problem))
        problem = body_append(whole, d->message);
    if (problem.kind == ERROR_LIMIT) /* memory for bodies is short: come again */
        problem.kind = ERROR_TEMPORARY;
    return problem;
}

error sieve_plan_make(const struct deliver_local *d, const struct deliver_local_target *target,
                      struct body *whole, struct arena *arena, struct sieve_plan *out_plan)
{
    const struct sieve_settings *settings = sieve_settings_here();
    struct script_version version;
    char active[SCRIPT_PATH_SIZE_MAX];
    *out_plan = (struct sieve_plan){0};
    if (!settings || !settings->enabled || !target->account->home)
        return OK;
    bool global = settings->before.count || settings->after.count || settings->fallback.size;
    if (!global && (!script_active_path(settings, target->account->home, active) ||
                    failed(script_look(active, &version))))
        return OK;
    struct job *job = ARENA_NEW(arena, struct job);
    TRY_MEMORY(job);
    job->asking = (struct sieve_asking){
        .delivery = d, .target = target, .settings = settings, .arena = arena, .plan = out_plan};
    TRY(script_place_make(settings, target->account->home, arena, &job->place));
    TRY(find_scripts(job));
    if (job->count == 0)
        return OK;
    if (whole->size == 0)
        TRY(join(d, whole));
    job->asking.whole = body_slice(whole);
    return make_plan(job);
}
