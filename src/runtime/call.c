/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/assert.h"
#include "base/list.h"
#include "runtime/core_state.h"
#include "runtime/scheduler.h"

#include <stdlib.h>

/* Calls run in a crew of their own below the root crew: at shutdown their waits are cancelled like
 * all others, but a call that arrives even then is run, since its caller waits for the answer. */
static _Thread_local struct crew calls;

void calls_begin(void)
{
    crew_init(&calls, NULL);
}

/* On the caller's core: one more is done. */
static void answered(struct core_job *job)
{
    struct core_batch *batch = job->batch;
    ASSERT(batch->pending > 0);
    if (--batch->pending == 0 && batch->fiber)
        fiber_wake(batch->fiber);
}

static void answer_arrived(struct message *message)
{
    answered(CONTAINER_OF(message, struct core_job, message));
}

static void answer(struct core_job *job)
{
    if (job->origin == core_self()) {
        answered(job);
        return;
    }
    job->message.run = answer_arrived;
    core_post(job->origin, &job->message);
}

static void run_job(void *argument)
{
    struct core_job *job = argument;
    job->result = job->function(job->argument);
    answer(job);
}

static void start_job(struct core_job *job)
{
    error problem = fiber_start_always(&calls, "call", run_job, job);
    if (failed(problem)) {
        job->result = problem;
        answer(job);
    }
}

static void job_arrived(struct message *message)
{
    start_job(CONTAINER_OF(message, struct core_job, message));
}

static void visit_arrived(struct message *message)
{
    struct core_job *job = CONTAINER_OF(message, struct core_job, message);
    job->result = job->function(job->argument);
    answer(job);
}

void core_batch_init(struct core_batch *batch)
{
    *batch = (struct core_batch){0};
}

static void send_job(struct core_batch *batch, unsigned core, struct core_job *job,
                     message_function *run)
{
    batch->pending++;
    job->batch = batch;
    job->origin = core_self();
    job->result = OK;
    job->message.run = run;
    core_post(core, &job->message);
}

void core_batch_start(struct core_batch *batch, unsigned core, struct core_job *job)
{
    if (core != core_self()) {
        send_job(batch, core, job, job_arrived);
        return;
    }
    batch->pending++;
    job->batch = batch;
    job->origin = core;
    job->result = OK;
    start_job(job);
}

void core_batch_join(struct core_batch *batch)
{
    batch->fiber = fiber_self();
    while (batch->pending > 0)
        error_ignore(fiber_park_steadfast(TIME_NEVER)); /* `pending` decides */
    batch->fiber = NULL;
}

static error call(unsigned core, error (*function)(void *argument), void *argument,
                  message_function *run)
{
    if (core == core_self())
        return function(argument);
    struct core_batch batch;
    core_batch_init(&batch);
    struct core_job job = {.function = function, .argument = argument};
    send_job(&batch, core, &job, run);
    core_batch_join(&batch);
    return job.result;
}

error core_call(unsigned core, error (*function)(void *argument), void *argument)
{
    return call(core, function, argument, job_arrived);
}

error core_visit(unsigned core, error (*function)(void *argument), void *argument)
{
    return call(core, function, argument, visit_arrived);
}

error core_broadcast(error (*function)(void *argument), void *argument)
{
    unsigned count = core_count();
    struct core_job *jobs = calloc(count, sizeof *jobs);
    TRY_MEMORY(jobs);
    struct core_batch batch;
    core_batch_init(&batch);
    for (unsigned core = 0; core < count; core++) {
        jobs[core].function = function;
        jobs[core].argument = argument;
        if (core != core_self())
            core_batch_start(&batch, core, &jobs[core]);
    }
    core_batch_join(&batch);
    jobs[core_self()].result = function(argument);
    error first = OK;
    for (unsigned core = 0; core < count && !failed(first); core++)
        first = jobs[core].result;
    free(jobs);
    return first;
}
