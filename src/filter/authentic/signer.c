/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * From a domain to its signature: find the keys, then compute, in place or in a batch.
 */
#include "filter/authentic/signer.h"

#include "base/list.h"
#include "base/log.h"
#include "base/metric.h"
#include "base/time.h"
#include "filter/authentic/dkim.h"
#include "filter/authentic/settings.h"
#include "filter/authentic/signer_keys.h"
#include "format/mail/header.h"
#include "runtime/wait.h"
#include "runtime/worker.h"

METRIC_COUNTER(metric_signed, "ringmail_dkim_signed_total", "", "Mails signed with DKIM");
METRIC_COUNTER(metric_failed, "ringmail_dkim_sign_failures_total", "",
               "Mails that should have been signed but could not be");
METRIC_COUNTER(metric_batches, "ringmail_dkim_batches_total", "",
               "Rounds of signing on a worker, each for one or more mails");
METRIC_HISTOGRAM(metric_time, "ringmail_dkim_sign_seconds", "",
                 "Time to sign one mail, waiting for the worker included");

static _Thread_local struct {
    const struct dkim_settings *settings;
    struct list waiting; /* struct job: for the next batch */
    bool busy;           /* a batch is under way */
} signer;

/* One mail to be signed or sealed. Lives on the stack of the fiber that waits for it. */
struct job {
    struct list node;
    struct condition changed;
    bool done, leads; /* computed; or chosen to take the next batch to the worker */
    const struct signer_work *work;
    error result;
};

error signer_start(const struct dkim_settings *settings, struct keyring *keys)
{
    signer.settings = settings;
    if (!signer.waiting.next)
        list_init(&signer.waiting);
    return signer_keys_start(keys);
}

void signer_stop(void)
{
    signer_keys_stop();
    signer.settings = NULL;
}

/* ---- Batches ---- */

struct batch {
    struct job *jobs[SIGNER_BATCH_MAX];
    unsigned count;
};

static error compute(const struct signer_work *work)
{
    return work->run(work);
}

/* On a worker. */
static error compute_batch(void *argument)
{
    struct batch *batch = argument;
    for (unsigned i = 0; i < batch->count; i++)
        batch->jobs[i]->result = compute(batch->jobs[i]->work);
    return OK;
}

/* WAITS. Takes what waits to the worker, then names who goes next. */
static void lead(void)
{
    struct batch batch = {0};
    struct job *job;
    signer.busy = true;
    LIST_EACH (&signer.waiting, job, node) {
        if (batch.count == SIGNER_BATCH_MAX)
            break;
        list_remove(&job->node);
        batch.jobs[batch.count++] = job;
    }
    error problem = worker_run(WORKER_COMPUTE, compute_batch, &batch);
    metric_add(&metric_batches, 1);
    for (unsigned i = 0; i < batch.count; i++) {
        if (failed(problem))
            batch.jobs[i]->result = error_make(ERROR_TEMPORARY, "too much to compute now");
        batch.jobs[i]->done = true;
        condition_wake_all(&batch.jobs[i]->changed);
    }
    signer.busy = false;
    job = LIST_FIRST(&signer.waiting, struct job, node);
    if (job) {
        signer.busy = true; /* nobody gets in between */
        job->leads = true;
        condition_wake_all(&job->changed);
    }
}

error signer_compute(const struct signer_work *work)
{
    if (!work->is_long && work->keys->flying == 0)
        return compute(work);
    struct job job = {.work = work, .leads = !signer.busy};
    condition_init(&job.changed);
    list_append(&signer.waiting, &job.node);
    work->keys->flying++;
    while (!job.done) {
        if (job.leads) {
            job.leads = false;
            lead();
        } else {
            /* The worker may hold the job: the wait is short and not to be cut. */
            error_ignore(condition_wait_steadfast(&job.changed, TIME_NEVER));
        }
    }
    work->keys->flying--;
    return job.result;
}

/* ---- Signing ---- */

static error run_sign(const struct signer_work *work)
{
    const struct signer_keys *keys = work->keys;
    struct dkim_signer signers[DKIM_SIGNERS_MAX];
    for (unsigned i = 0; i < keys->count; i++)
        signers[i] = (struct dkim_signer){keys->keys[i].key, keys->domain, keys->keys[i].selector};
    const struct dkim_sign_options options = {.time = work->time, .lifetime = work->lifetime};
    return dkim_sign_parts(work->header, work->body, signers, keys->count, &options, work->fields);
}

error signer_join(slice prefix, slice body, struct arena *arena, slice *out_header, slice *out_body)
{
    size_t size = mail_header_size(body);
    *out_body = slice_from(body, size);
    *out_header = slice_sub(body, 0, size);
    if (prefix.size == 0)
        return OK;
    char *header = arena_alloc_bytes(arena, prefix.size + size);
    TRY_MEMORY(header);
    memcpy(header, prefix.data, prefix.size);
    if (size)
        memcpy(header + prefix.size, body.data, size);
    *out_header = slice_of(header, prefix.size + size);
    return OK;
}

static error sign(struct signer_keys *keys, slice prefix, slice body, struct arena *arena,
                  struct buffer *fields)
{
    slice from;
    size_t before = fields->size;
    struct signer_work work = {
        .run = run_sign,
        .keys = keys,
        .time = time_wall_seconds(),
        .lifetime = signer.settings->lifetime / TIME_S,
        .fields = fields,
    };
    TRY(signer_join(prefix, body, arena, &work.header, &work.body));
    if (!mail_header_find(work.header, SLICE("From"), &from))
        return OK;
    work.is_long = keys->has_rsa || work.body.size > SIGNER_IN_PLACE_SIZE_MAX;
    error problem = signer_compute(&work);
    if (failed(problem))
        buffer_truncate(fields, before);
    return problem;
}

error signer_sign(slice domain, slice prefix, slice body, struct arena *arena,
                  struct buffer *fields)
{
    instant began = time_now();
    struct signer_keys *keys = NULL;
    if (!signer.settings)
        return OK; /* no signer on this core: no keys */
    error problem = signer_keys_open(domain, arena, &keys);
    if (!failed(problem) && keys)
        problem = sign(keys, prefix, body, arena, fields);
    bool has_keys = keys;
    signer_keys_release(&keys);
    if (failed(problem)) {
        metric_add(&metric_failed, 1);
        log_event(LOG_WARNING, "dkim.sign", problem, domain);
        return problem.kind == ERROR_CANCELLED || problem.kind == ERROR_LIMIT
                   ? problem
                   : error_make(ERROR_TEMPORARY, problem.text);
    }
    if (has_keys) {
        metric_add(&metric_signed, 1);
        metric_observe(&metric_time, (uint64_t)(time_now() - began));
    }
    return OK;
}
