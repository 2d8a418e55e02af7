/* SPDX-License-Identifier: GPL-3.0-or-later
 * Contents: made from a submission, read by any core, given up. Memory is pinned by an atomic count
 * that the owner takes to -1 only from 0: whoever reads keeps it alive, whoever comes later reads
 * the spool, whose place was written before. */
#include "transport/queue/state.h"

#include "base/assert.h"
#include "base/metric.h"
#include "runtime/core.h"

#include <stdlib.h>

METRIC_GAUGE(memory_gauge, "ringmail_queue_memory_bytes", "",
             "Memory that holds bodies of queued mail");

static int64_t expiry(const struct queue_mail *mail)
{
    const struct queue_settings *settings = keep_settings();
    int64_t from = mail->hold_until > mail->arrived ? mail->hold_until : mail->arrived;
    int64_t life = mail->sender.size ? settings->lifetime : settings->bounce_lifetime;
    return from + (life + TIME_S - 1) / TIME_S;
}

static error make_mails(struct queue_submission *submission, struct queue_content *content,
                        uint64_t first_time)
{
    int64_t now = time_wall_seconds();
    uint32_t offset = 0;
    char *prefixes = content->memory->prefixes;
    for (unsigned i = 0; i < submission->count; i++) {
        const struct queue_envelope *envelope = &submission->envelopes[i];
        struct queue_mail *mail;
        queue_id id = (first_time + i) << KEEP_CORE_BITS | core_self();
        TRY(queue_mail_make(envelope, content, id, now, &mail));
        mail->owner = core_self();
        mail->prefix.offset = offset;
        mail->expires = expiry(mail);
        if (envelope->prefix.size)
            memcpy(prefixes + offset, envelope->prefix.data, envelope->prefix.size);
        offset += mail->prefix.size;
    }
    return OK;
}

/* Ids rise with time, on each core for itself, also over restarts and clocks set back. */
static uint64_t take_times(unsigned count)
{
    uint64_t *last = &keep_of_this_core()->last_time, now = (uint64_t)(time_wall() / TIME_US);
    uint64_t first = now > *last ? now : *last + 1;
    *last = first + count - 1;
    return first;
}

error keep_content_make(struct queue_submission *submission, struct queue_content **out_content)
{
    size_t prefix_size = 0;
    for (unsigned i = 0; i < submission->count; i++) {
        if (submission->envelopes[i].prefix.size > QUEUE_PREFIX_SIZE_MAX)
            return error_make(ERROR_LIMIT, "header fields of a mail are too large");
        prefix_size += submission->envelopes[i].prefix.size;
    }
    struct queue_content *content = calloc(1, sizeof *content);
    TRY_MEMORY(content);
    list_init(&content->segment_node);
    uint64_t first_time = take_times(submission->count);
    content->id = first_time << KEEP_CORE_BITS | core_self();
    content->size = submission->body->size;
    content->sharers = (uint16_t)submission->count;
    content->prefix_size = (uint32_t)prefix_size;
    content->memory = calloc(1, sizeof *content->memory);
    if (content->memory) {
        list_init(&content->memory->node);
        content->memory->prefixes = malloc(prefix_size + 1);
    }
    error problem = content->memory && content->memory->prefixes
                        ? make_mails(submission, content, first_time)
                        : error_make(ERROR_LIMIT, "out of memory for this task");
    if (failed(problem)) {
        while (content->mails) {
            struct queue_mail *mail = content->mails;
            queue_mail_free(&mail);
        }
        keep_content_free(keep_of_this_core(), content);
        return problem;
    }
    *out_content = content;
    return OK;
}

void keep_memory_add(struct keep_core *keep, struct queue_content *content)
{
    struct queue_memory *memory = content->memory;
    memory->content = content;
    memory->since = timer_now();
    keep->memory_bytes += memory->body.capacity + content->prefix_size;
    metric_add(&memory_gauge, (int64_t)(memory->body.capacity + content->prefix_size));
    memory->counted = true;
    list_append(memory->to_sync ? &keep->hurried : &keep->memory, &memory->node);
}

void keep_memory_discount(struct keep_core *keep, struct queue_content *content)
{
    struct queue_memory *memory = content->memory;
    if (!memory->counted)
        return;
    keep->memory_bytes -= memory->body.capacity + content->prefix_size;
    metric_add(&memory_gauge, -(int64_t)(memory->body.capacity + content->prefix_size));
    condition_wake_all(&keep->memory_freed);
    memory->counted = false;
}

static void memory_free(struct keep_core *keep, struct queue_content *content)
{
    struct queue_memory *memory = content->memory;
    keep_memory_discount(keep, content);
    journal_settle(&memory->ticket);
    list_remove(&memory->node);
    body_close(&memory->body);
    free(memory->prefixes);
    free(memory);
    content->memory = NULL;
}

void keep_memory_drop(struct keep_core *keep, struct queue_content *content)
{
    int32_t none = 0;
    ASSERT(content->segment);
    if (atomic_compare_exchange_strong_explicit(&content->pins, &none, -1, memory_order_acq_rel,
                                                memory_order_relaxed)) {
        memory_free(keep, content);
        return;
    }
    if (list_is_empty(&content->memory->node))
        list_append(&keep->lingering, &content->memory->node);
}

void keep_content_free(struct keep_core *keep, struct queue_content *content)
{
    ASSERT(!content->mails && content->references == 0);
    ASSERT(atomic_load_explicit(&content->pins, memory_order_acquire) <= 0);
    if (content->memory)
        memory_free(keep, content);
    spool_drop(&keep->spool, content);
    free(content);
}

void keep_content_hurry(struct keep_core *keep, struct queue_content *content)
{
    struct queue_memory *memory = content->memory;
    if (!memory || memory->urgent)
        return;
    memory->urgent = true;
    if (!memory->busy && !content->segment) {
        list_remove(&memory->node);
        list_append(&keep->hurried, &memory->node);
    }
    keep_wake(keep);
}

/* ---- Any core ---- */

static bool pin(struct queue_content *content)
{
    int32_t pins = atomic_load_explicit(&content->pins, memory_order_acquire);
    while (pins >= 0)
        if (atomic_compare_exchange_weak_explicit(&content->pins, &pins, pins + 1,
                                                  memory_order_acq_rel, memory_order_acquire))
            return true;
    return false;
}

error queue_content_open(struct queue_content *content, struct body *scratch, slice *out_body)
{
    if (pin(content)) {
        *out_body = body_slice(&content->memory->body);
        return OK;
    }
    if (content->size + content->prefix_size > 0)
        TRY(spool_read(keep_shared.directory, content, scratch));
    *out_body = slice_from(body_slice(scratch), content->prefix_size);
    return OK;
}

void queue_content_release(struct queue_content *content, struct body *scratch)
{
    if (scratch->data) {
        body_close(scratch);
        return;
    }
    /* Not -1: the owner cannot take memory away that is pinned. */
    if (atomic_load_explicit(&content->pins, memory_order_relaxed) > 0)
        atomic_fetch_sub_explicit(&content->pins, 1, memory_order_release);
}

slice queue_mail_prefix(const struct queue_mail *mail, const struct body *scratch)
{
    const struct queue_content *content = mail->content;
    if (mail->prefix.size == 0)
        return SLICE_EMPTY;
    const char *prefixes = scratch->data ? scratch->data : content->memory->prefixes;
    return slice_of(prefixes + mail->prefix.offset, mail->prefix.size);
}
