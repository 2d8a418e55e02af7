/* SPDX-License-Identifier: GPL-3.0-or-later
 * The mails of one core: added, changed, finished, found. Who spools and writes is keeper.c. */
#include "transport/queue/state.h"

#include "base/assert.h"
#include "base/log.h"
#include "base/metric.h"
#include "data/store/store.h"

#include <stdlib.h>

METRIC_GAUGE(mails_gauge, "ringmail_queue_mails", "", "Mails in the queue");
METRIC_COUNTER(keep_refused, "ringmail_queue_refused_total", "",
               "Submissions that found no room: the queue, its memory or the journal was full");
METRIC_COUNTER(outcomes_lost, "ringmail_queue_outcomes_unjournalled_total", "",
               "Outcomes that the journal did not take: after a crash such mail may go twice");

_Thread_local struct keep_core keep_here;
struct keep_shared keep_shared = {.directory = -1};

__attribute__((noinline)) struct keep_core *keep_of_this_core(void)
{
    return &keep_here;
}

/* ---- The set of mails ---- */

error keep_mail_put(struct keep_core *keep, struct queue_mail *mail)
{
    TRY(id_map_put(&keep->mails, mail->id, mail));
    struct list *at = keep->all.previous;
    /* Ids rise, but who is durable first comes first. At start all are sorted once (open.c). */
    while (keep->open && at != &keep->all &&
           CONTAINER_OF(at, struct queue_mail, node)->id > mail->id)
        at = at->previous;
    list_insert_after(at, &mail->node);
    if (keep->sweeping)
        keep->swept++;
    else
        keep_count_mails(1);
    return OK;
}

void keep_count_mails(int64_t by)
{
    metric_add(&mails_gauge, by);
}

void keep_mail_forget(struct keep_core *keep, struct queue_mail **mail)
{
    struct queue_content *content = (*mail)->content;
    if (keep->walk == *mail)
        keep->walk = queue_keep_next(*mail);
    id_map_remove(&keep->mails, (*mail)->id);
    metric_add(&mails_gauge, -1);
    queue_mail_free(mail);
    if (content->references == 0)
        keep_content_free(keep, content);
}

void keep_id_seen(queue_id id)
{
    uint64_t time = id >> KEEP_CORE_BITS, seen = atomic_load(&keep_shared.time_seen);
    while (seen < time && !atomic_compare_exchange_weak(&keep_shared.time_seen, &seen, time))
        ;
}

struct queue_mail *queue_keep_find(queue_id id)
{
    return id ? id_map_get(&keep_here.mails, id) : NULL;
}

struct queue_mail *queue_keep_next(const struct queue_mail *after)
{
    const struct list *at = after ? &after->node : &keep_here.all;
    if (!at->next || at->next == &keep_here.all)
        return NULL;
    return CONTAINER_OF(at->next, struct queue_mail, node);
}

struct queue_mail *queue_keep_previous(const struct queue_mail *before)
{
    const struct list *at = before->node.previous;
    return at == &keep_here.all ? NULL : CONTAINER_OF(at, struct queue_mail, node);
}

uint64_t queue_keep_count(void)
{
    return keep_here.mails.count;
}

uint64_t queue_keep_memory_bytes(void)
{
    return keep_here.memory_bytes;
}

uint64_t queue_keep_spool_bytes(void)
{
    return keep_here.spool.live;
}

/* ---- Adding ---- */

static error check(const struct queue_submission *submission)
{
    if (!keep_here.open || keep_here.closing)
        return error_make(ERROR_TEMPORARY, "the queue is not open");
    if (submission->count == 0 || submission->count > QUEUE_ENVELOPES_MAX)
        return error_make(ERROR_LIMIT, "too many envelopes, or none");
    return OK;
}

/* In all cores' queues together. */
static error promise_mails(struct keep_core *keep, unsigned count)
{
    int64_t now = atomic_fetch_add(&keep_shared.mails, count) + count;
    error problem = now > (int64_t)keep_settings()->mails_max
                        ? error_make(ERROR_BUSY, "the queue is full")
                        : id_map_reserve(&keep->mails, keep->promised + count);
    if (failed(problem))
        atomic_fetch_sub(&keep_shared.mails, count);
    else
        keep->promised += count;
    return problem;
}

/* WAITS. For bodies to leave memory, where there are far too many. */
static error wait_for_memory(struct keep_core *keep, size_t more, instant deadline)
{
    for (;;) {
        uint64_t max = 2 * (uint64_t)keep_settings()->memory_max + KEEP_MEMORY_EXTRA;
        if (keep->memory_bytes == 0 || keep->memory_bytes + more <= max)
            return OK;
        keep_wake(keep);
        TRY(condition_wait(&keep->memory_freed, deadline));
        if (keep->closing)
            return error_make(ERROR_TEMPORARY, "the queue is being closed");
    }
}

/* WAITS. A record whose commit failed may be replayed all the same: not this one, its submitter
 * hears of a failure. */
static void retract(struct queue_content *content)
{
    for (struct queue_mail *mail = content->mails; mail; mail = mail->next_sharing) {
        struct buffer record;
        buffer_init(&record, 64 << 10);
        for (uint32_t i = 0; i < mail->recipient_count; i++)
            mail->recipients[i].outcome = QUEUE_DELETED;
        record_outcomes_write(&record, mail, NULL);
        slice part = buffer_slice(&record);
        struct journal_ticket ticket;
        error problem = journal_append(JOURNAL_KIND_QUEUE, &part, 1,
                                       time_after(KEEP_PATIENCE_S * TIME_S), &ticket);
        if (failed(problem))
            log_event(LOG_WARNING, "queue.retract", problem, SLICE_EMPTY);
        else
            journal_settle(&ticket);
        buffer_close(&record);
    }
}

/* WAITS. */
static error journal_add(struct queue_content *content, slice body, instant deadline)
{
    struct buffer header;
    buffer_init(&header, (size_t)QUEUE_ENVELOPES_MAX * 2 * QUEUE_ENVELOPE_SIZE_MAX);
    record_add_write(&header, content);
    error problem = buffer_check(&header);
    struct journal_ticket *ticket = &content->memory->ticket;
    if (!failed(problem)) {
        slice parts[] = {buffer_slice(&header),
                         slice_of(content->memory->prefixes, content->prefix_size), body};
        problem = journal_append(JOURNAL_KIND_QUEUE, parts, 3, deadline, ticket);
    }
    buffer_close(&header);
    TRY(problem);
    problem = journal_commit_wait(ticket);
    if (failed(problem)) {
        retract(content);
        journal_settle(ticket);
    }
    return problem;
}

/* WAITS. By the journal, or where that cannot be by spool and log, synced. */
static error make_durable(struct keep_core *keep, struct queue_content *content, struct body *body,
                          instant deadline)
{
    enum journal_durability durability = store_durability();
    bool by_spool = durability == JOURNAL_DURABILITY_FSYNC;
    if (durability == JOURNAL_DURABILITY_JOURNAL) {
        error problem = journal_add(content, body_slice(body), deadline);
        by_spool = problem.kind == ERROR_LIMIT; /* larger than the journal can take */
        if (failed(problem) && !by_spool)
            return problem.kind == ERROR_TIMEOUT
                       ? error_make(ERROR_TEMPORARY, "the journal has no room")
                       : problem;
    }
    content->memory->body = *body;
    if (by_spool) {
        error problem = keep_spool_now(keep, content);
        if (failed(problem)) { /* it is the submitter's again */
            content->memory->body = (struct body){0};
            return problem;
        }
    }
    body_init(body, body->size_max);
    return OK;
}

static void discard(struct keep_core *keep, struct queue_content *content)
{
    while (content->mails) {
        struct queue_mail *mail = content->mails;
        if (mail->logged)
            queue_log_done(&keep->log, mail);
        queue_mail_free(&mail);
    }
    keep_content_free(keep, content);
}

static void publish(struct keep_core *keep, struct queue_submission *submission,
                    struct queue_content *content,
                    struct queue_mail *out_mails[QUEUE_ENVELOPES_MAX])
{
    unsigned count = 0;
    for (struct queue_mail *mail = content->mails; mail; mail = mail->next_sharing) {
        error problem = keep_mail_put(keep, mail);
        ASSERT(!failed(problem)); /* its place was reserved */
        submission->envelopes[count].id = mail->id;
        out_mails[count++] = mail;
    }
    if (content->memory && !content->segment) {
        struct list *first = keep->memory.next;
        keep_memory_add(keep, content);
        if (first == &keep->memory || keep->memory_bytes > keep_settings()->memory_max)
            keep_wake(keep);
    }
}

error queue_keep_add(struct queue_submission *submission,
                     struct queue_mail *out_mails[QUEUE_ENVELOPES_MAX])
{
    struct keep_core *keep = keep_of_this_core();
    TRY(check(submission));
    instant deadline =
        submission->deadline ? submission->deadline : time_after(KEEP_PATIENCE_S * TIME_S);
    unsigned count = submission->count;
    error problem = promise_mails(keep, count);
    if (failed(problem)) {
        metric_add(&keep_refused, 1);
        return problem;
    }
    struct queue_content *content = NULL;
    problem = wait_for_memory(keep, submission->body->capacity, deadline);
    if (problem.kind == ERROR_TIMEOUT)
        problem = error_make(ERROR_TEMPORARY, "the queue's memory is full");
    if (!failed(problem))
        problem = keep_content_make(submission, &content);
    if (!failed(problem))
        problem = make_durable(keep, content, submission->body, deadline);
    keep->promised -= count;
    if (failed(problem)) {
        if (content)
            discard(keep, content);
        atomic_fetch_sub(&keep_shared.mails, count);
        metric_add(&keep_refused, problem.kind != ERROR_LIMIT);
        return problem;
    }
    publish(keep, submission, content, out_mails);
    return OK;
}

/* ---- Changing ---- */

void queue_keep_outcomes(struct queue_mail *mail, const struct queue_item *item)
{
    struct keep_core *keep = keep_of_this_core();
    struct journal_ticket ticket = {0};
    queue_id id = mail->id;
    struct buffer record;
    buffer_init(&record, 64 << 10);
    record_outcomes_write(&record, mail, item);
    slice part = buffer_slice(&record);
    error problem =
        journal_append(JOURNAL_KIND_QUEUE, &part, 1, time_after(KEEP_PATIENCE_S * TIME_S), &ticket);
    buffer_close(&record);
    if (failed(problem)) {
        metric_add(&outcomes_lost, 1);
        log_event(LOG_ERROR, "queue.outcome", problem, SLICE_EMPTY);
    } else {
        keep->last_outcome = ticket;
    }
    if (queue_keep_find(id) != mail) { /* finished while the journal had no room */
        journal_settle(&ticket);
        return;
    }
    if (!mail->logged) {
        /* Freed in ring order: not before the mail's own record, which needs it. */
        journal_settle(&ticket);
        return;
    }
    queue_log_outcomes(&keep->log, mail, item, &ticket);
    if (store_durability() == JOURNAL_DURABILITY_FSYNC)
        keep->sync_wanted = true;
    keep_wake(keep);
}

void queue_keep_state(struct queue_mail *mail, const struct queue_item *item)
{
    struct keep_core *keep = keep_of_this_core();
    if (!mail->logged) {
        keep_content_hurry(keep, mail->content);
        return;
    }
    queue_log_state(&keep->log, mail, item);
    keep_wake(keep);
}

void queue_keep_finish(struct queue_mail **mail)
{
    struct keep_core *keep = keep_of_this_core();
    if ((*mail)->logged) {
        queue_log_done(&keep->log, *mail);
        keep_wake(keep);
    }
    atomic_fetch_sub(&keep_shared.mails, 1);
    keep_mail_forget(keep, mail);
}
