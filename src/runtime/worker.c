/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runtime/worker.h"

#include "base/assert.h"
#include "base/list.h"
#include "base/metric.h"
#include "runtime/core_state.h"
#include "runtime/fiber.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

METRIC_COUNTER(file_jobs, "ringmail_worker_jobs_total", "lane=\"file\"", "Jobs given to workers");
METRIC_COUNTER(compute_jobs, "ringmail_worker_jobs_total", "lane=\"compute\"",
               "Jobs given to workers");
METRIC_HISTOGRAM(file_time, "ringmail_worker_job_seconds", "lane=\"file\"",
                 "From asking a worker to its answer");
METRIC_HISTOGRAM(compute_time, "ringmail_worker_job_seconds", "lane=\"compute\"",
                 "From asking a worker to its answer");

enum {
    THREADS_MAX = 64,
    BATCH_MAX = 8,     /* file jobs taken at once by one thread */
    COMPUTE_NICE = 10, /* a login storm must not delay mail */
};

struct job {
    struct message message; /* the way back */
    struct job *next;
    error (*function)(void *argument);
    void *argument;
    error result;
    struct lane *lane;
    struct fiber *fiber;
    bool done;
};

struct lane {
    /* The core's own. */
    unsigned core;
    enum worker_lane kind;
    unsigned threads_max, threads;
    unsigned outstanding; /* jobs not yet answered */
    struct job *gathered, **gathered_end;
    unsigned gathered_count;
    struct core_hook hook; /* hands over what this turn gathered */
    pthread_t thread[THREADS_MAX];

    /* Shared with its threads, under the lock. */
    pthread_mutex_t lock;
    pthread_cond_t work;
    struct job *first, **end;
    unsigned queued;
    unsigned idle;
    bool closing;
};

static _Thread_local struct lane *lanes; /* WORKER_LANES of them */

static void hand_over(struct core_hook *hook)
{
    struct lane *lane = CONTAINER_OF(hook, struct lane, hook);
    pthread_mutex_lock(&lane->lock);
    *lane->end = lane->gathered;
    lane->end = lane->gathered_end;
    lane->queued += lane->gathered_count;
    unsigned wake = lane->gathered_count < lane->idle ? lane->gathered_count : lane->idle;
    pthread_mutex_unlock(&lane->lock);
    lane->gathered = NULL;
    lane->gathered_end = &lane->gathered;
    lane->gathered_count = 0;
    while (wake-- > 0)
        pthread_cond_signal(&lane->work);
}

void workers_begin(unsigned threads_per_lane)
{
    lanes = calloc(WORKER_LANES, sizeof *lanes);
    ASSERT(lanes);
    for (unsigned kind = 0; kind < WORKER_LANES; kind++) {
        struct lane *lane = &lanes[kind];
        lane->core = core_self();
        lane->kind = kind;
        lane->threads_max = threads_per_lane < THREADS_MAX ? threads_per_lane : THREADS_MAX;
        lane->gathered_end = &lane->gathered;
        lane->end = &lane->first;
        lane->hook.function = hand_over;
        pthread_mutex_init(&lane->lock, NULL);
        pthread_cond_init(&lane->work, NULL);
    }
}

void workers_end(void)
{
    for (unsigned kind = 0; kind < WORKER_LANES; kind++) {
        struct lane *lane = &lanes[kind];
        ASSERT(lane->outstanding == 0); /* the fibers that wait for them have ended */
        pthread_mutex_lock(&lane->lock);
        lane->closing = true;
        pthread_cond_broadcast(&lane->work);
        pthread_mutex_unlock(&lane->lock);
        for (unsigned i = 0; i < lane->threads; i++)
            pthread_join(lane->thread[i], NULL);
        pthread_cond_destroy(&lane->work);
        pthread_mutex_destroy(&lane->lock);
    }
    free(lanes);
    lanes = NULL;
}

/* A share of what is queued, so that one thread does not sit on jobs that another could do. Long
 * computations go one by one. Called with the lock held. */
static struct job *take_share(struct lane *lane)
{
    unsigned share = lane->kind == WORKER_FILE ? lane->queued / lane->threads_max : 1;
    if (share > BATCH_MAX)
        share = BATCH_MAX;
    struct job *batch = lane->first, *last = batch;
    unsigned count = 1;
    for (; count < share && last->next; count++)
        last = last->next;
    lane->first = last->next;
    if (!lane->first)
        lane->end = &lane->first;
    last->next = NULL;
    lane->queued -= count;
    return batch;
}

static void work(struct job *batch)
{
    while (batch) {
        struct job *job = batch;
        batch = job->next;
        job->result = job->function(job->argument);
        core_post(job->lane->core, &job->message); /* from here on it is the core's */
    }
}

static void *worker_thread(void *argument)
{
    struct lane *lane = argument;
    char name[16]; /* by itself: a sandbox may hide the /proc by which another thread is named */
    snprintf(name, sizeof name, "%s%u", lane->kind == WORKER_FILE ? "file" : "compute", lane->core);
    pthread_setname_np(pthread_self(), name);
    if (lane->kind == WORKER_COMPUTE)
        setpriority(PRIO_PROCESS, (id_t)gettid(), getpriority(PRIO_PROCESS, 0) + COMPUTE_NICE);
    pthread_mutex_lock(&lane->lock);
    while (true) {
        while (!lane->first && !lane->closing) {
            lane->idle++;
            pthread_cond_wait(&lane->work, &lane->lock);
            lane->idle--;
        }
        if (!lane->first)
            break;
        struct job *batch = take_share(lane);
        pthread_mutex_unlock(&lane->lock);
        work(batch);
        pthread_mutex_lock(&lane->lock);
    }
    pthread_mutex_unlock(&lane->lock);
    return NULL;
}

/* Threads are started when there is work for them. They take no signals and, unlike their core, run
 * on any CPU of the process. */
static error start_thread(struct lane *lane)
{
    sigset_t before;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setaffinity_np(&attributes, sizeof machine.allowed, &machine.allowed);
    signals_block(&before);
    int result = pthread_create(&lane->thread[lane->threads], &attributes, worker_thread, lane);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    if (result != 0)
        return error_system(result, "start a worker thread");
    lane->threads++;
    return OK;
}

static void answered(struct message *message)
{
    struct job *job = CONTAINER_OF(message, struct job, message);
    job->lane->outstanding--;
    job->done = true;
    fiber_wake(job->fiber);
}

error worker_run(enum worker_lane kind, error (*function)(void *argument), void *argument)
{
    ASSERT(lanes); /* only cores have workers */
    struct lane *lane = &lanes[kind];
    if (lane->outstanding >= WORKER_QUEUE_MAX)
        return error_make(ERROR_BUSY, "too many jobs wait for workers");
    if (lane->outstanding >= lane->threads && lane->threads < lane->threads_max) {
        error problem = start_thread(lane);
        if (failed(problem) && lane->threads == 0)
            return problem;
    }
    struct job job = {
        .message.run = answered,
        .function = function,
        .argument = argument,
        .lane = lane,
        .fiber = fiber_self(),
    };
    instant began = time_now();
    *lane->gathered_end = &job;
    lane->gathered_end = &job.next;
    lane->gathered_count++;
    lane->outstanding++;
    core_at_turn_end(&lane->hook);
    while (!job.done)
        error_ignore(fiber_park_steadfast(TIME_NEVER)); /* `done` decides */
    bool file = kind == WORKER_FILE;
    metric_add(file ? &file_jobs : &compute_jobs, 1);
    metric_observe(file ? &file_time : &compute_time, (uint64_t)(time_now() - began));
    return job.result;
}
