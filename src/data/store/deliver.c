/* SPDX-License-Identifier: GPL-3.0-or-later
 * Delivery on the accepting core: one journal record, and at the same time a file on each
 * recipient's home core; OK is said when both are done. */
#include "data/store/delivery.h"

#include "base/assert.h"
#include "base/log.h"
#include "base/metric.h"
#include "base/random.h"
#include "base/time.h"
#include "data/store/deliver_here.h"
#include "data/store/record.h"
#include "data/store/state.h"
#include "runtime/message.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

METRIC_COUNTER(deliveries, "ringmail_store_deliveries_total", "", "Messages put into mailboxes");
METRIC_COUNTER(deliveries_failed, "ringmail_store_deliveries_failed_total", "",
               "Recipients that could not be stored for");
METRIC_COUNTER(deliveries_synced, "ringmail_store_deliveries_synced_total", "",
               "Messages too large for the journal, made durable by fsync");
METRIC_HISTOGRAM(delivery_time, "ringmail_store_delivery_seconds", "",
                 "Time from store_deliver's begin to its end");

enum {
    DELIVERY_PATIENCE_S = 60, /* for room in the journal */
    DELIVERY_RECORD_SIZE_MAX = 8 << 20,
    DELIVERY_PARTS_MAX = JOURNAL_PART_COUNT_MAX - 4,
};

/* Bare LFs, which count two in RFC822.SIZE. */
static uint64_t count_bare_lf(const slice *parts, unsigned count)
{
    uint64_t bare = 0;
    char last = 0;
    for (unsigned i = 0; i < count; i++) {
        const char *at = parts[i].data, *end = at + parts[i].size;
        while (at < end && (at = memchr(at, '\n', (size_t)(end - at)))) {
            bare += (at > parts[i].data ? at[-1] : last) != '\r';
            at++;
        }
        if (parts[i].size)
            last = parts[i].data[parts[i].size - 1];
    }
    return bare;
}

static error append_record(const struct store_delivery *delivery, slice base, uint64_t size,
                           struct journal_ticket *out_ticket)
{
    slice parts[JOURNAL_PART_COUNT_MAX];
    struct buffer header;
    buffer_init(&header, DELIVERY_RECORD_SIZE_MAX);
    record_delivery_write(&header, delivery, base, size);
    error problem = buffer_check(&header);
    if (!failed(problem)) {
        parts[0] = buffer_slice(&header);
        memcpy(parts + 1, delivery->parts, delivery->part_count * sizeof *parts);
        problem = journal_append(JOURNAL_KIND_DELIVERY, parts, delivery->part_count + 1,
                                 delivery->deadline, out_ticket);
    }
    buffer_close(&header);
    return problem;
}

/* WAITS. The first that succeeds has the file; its path for the others. Returns how many were
 * tried. */
static unsigned deliver_first(struct local_delivery *local, struct store_delivery *delivery,
                              char *path)
{
    unsigned tried = 0;
    while (tried < delivery->recipient_count) {
        struct store_recipient *to = &delivery->recipients[tried++];
        unsigned home = store_home_core(to->account.id);
        local->to = to;
        local->out_path = tried < delivery->recipient_count || tried > 1 ? path : NULL;
        to->result = core_visit(home, deliver_here_at_once, local);
        if (to->result.kind == ERROR_BUSY)
            to->result = core_call(home, deliver_here, local);
        if (!failed(to->result))
            break;
    }
    return tried;
}

/* WAITS. */
static error deliver_rest(const struct local_delivery *first, struct store_recipient *recipients,
                          unsigned count, const char *path)
{
    struct core_job *jobs = calloc(count, sizeof *jobs);
    struct local_delivery *locals = calloc(count, sizeof *locals);
    if (!jobs || !locals) {
        free(jobs);
        free(locals);
        return error_make(ERROR_LIMIT, "out of memory for this task");
    }
    struct core_batch batch;
    core_batch_init(&batch);
    for (unsigned i = 0; i < count; i++) {
        locals[i] = *first;
        locals[i].to = &recipients[i];
        locals[i].link = path[0] ? path : NULL;
        locals[i].out_path = NULL;
        jobs[i].function = deliver_here;
        jobs[i].argument = &locals[i];
        core_batch_start(&batch, store_home_core(recipients[i].account.id), &jobs[i]);
    }
    core_batch_join(&batch);
    for (unsigned i = 0; i < count; i++)
        recipients[i].result = jobs[i].result;
    free(jobs);
    free(locals);
    return OK;
}

/* WAITS. What the journal has but a recipient has not: replay must not bring it back, because the
 * sender hears of the failure. */
static void retract_failed(const struct store_delivery *delivery, slice base)
{
    struct journal_ticket last = {0};
    for (unsigned i = 0; i < delivery->recipient_count; i++) {
        const struct store_recipient *to = &delivery->recipients[i];
        if (!failed(to->result))
            continue;
        metric_add(&deliveries_failed, 1);
        if (!journal_is_on())
            continue;
        struct buffer record;
        buffer_init(&record, 8192);
        record_tombstones_begin(
            &record,
            (struct record_place){to->account.id, to->account.path,
                                  to->mailbox.size ? to->mailbox : SLICE("INBOX")},
            1);
        record_tombstone_add(&record, base);
        slice part = buffer_slice(&record);
        struct journal_ticket ticket;
        error problem = journal_append(JOURNAL_KIND_TOMBSTONE, &part, 1,
                                       time_after(DELIVERY_PATIENCE_S * TIME_S), &ticket);
        buffer_close(&record);
        if (failed(problem)) {
            log_event(LOG_WARNING, "store.retract", problem, to->account.id);
            continue;
        }
        last = ticket;
        journal_settle(&ticket);
    }
    /* Without it a crash in the next moments could deliver after all: no more than a duplicate. */
    error_ignore(journal_commit_wait(&last));
}

/* WAITS. */
static void undo(const struct local_delivery *first, struct store_delivery *delivery, error why)
{
    for (unsigned i = 0; i < delivery->recipient_count; i++) {
        struct store_recipient *to = &delivery->recipients[i];
        if (failed(to->result))
            continue;
        struct local_delivery local = *first;
        local.to = to;
        error problem = core_call(store_home_core(to->account.id), deliver_undo, &local);
        if (failed(problem))
            log_event(LOG_WARNING, "store.undo", problem, to->account.id);
        to->result = why;
    }
}

static error check(const struct store_delivery *delivery)
{
    if (!store_here.open)
        return error_make(ERROR_TEMPORARY, "the store is not open");
    if (delivery->recipient_count == 0 || delivery->recipient_count > STORE_RECIPIENTS_MAX ||
        delivery->part_count > DELIVERY_PARTS_MAX)
        return error_make(ERROR_LIMIT, "too many recipients or parts");
    for (unsigned i = 0; i < delivery->recipient_count; i++) {
        const struct store_recipient *to = &delivery->recipients[i];
        if (to->account.id.size > STORE_ACCOUNT_ID_SIZE_MAX ||
            to->account.path.size > STORE_PATH_SIZE_MAX - 2 || /* as account_open has it */
            to->mailbox.size > STORE_MAILBOX_NAME_SIZE_MAX ||
            to->keyword_count > STORE_DELIVERY_KEYWORDS_MAX)
            return error_make(ERROR_LIMIT, "a recipient is too large");
    }
    return OK;
}

static void fill_in(struct store_delivery *delivery)
{
    if (!delivery->internal_date)
        delivery->internal_date = time_wall_seconds();
    if (!delivery->object_id)
        delivery->object_id = random_u64() | 1;
    if (!delivery->deadline)
        delivery->deadline = time_after(DELIVERY_PATIENCE_S * TIME_S);
    if (delivery->cache.size > STORE_CACHE_BLOB_SIZE_MAX)
        delivery->cache = SLICE_EMPTY;
}

error store_deliver(struct store_delivery *delivery)
{
    TRY(check(delivery));
    fill_in(delivery);
    instant begun = time_now();
    struct local_delivery local = {.delivery = delivery};
    for (unsigned i = 0; i < delivery->part_count; i++)
        local.size += delivery->parts[i].size;
    local.virtual_size = local.size + count_bare_lf(delivery->parts, delivery->part_count);
    char name[STORE_BASE_NAME_SIZE_MAX], *path = NULL;
    local.base = slice_of(name, store_base_name(local.size, local.virtual_size, name));
    if (delivery->recipient_count > 1) {
        path = malloc(DELIVERED_PATH_SIZE);
        TRY_MEMORY(path);
        path[0] = '\0';
    }
    struct journal_ticket ticket = {0};
    error problem = append_record(delivery, local.base, local.size, &ticket);
    if (problem.kind == ERROR_LIMIT) { /* it could never fit in the journal: its file is synced */
        metric_add(&deliveries_synced, 1);
        local.sync = true;
        problem = OK;
    }
    if (failed(problem)) {
        free(path);
        return problem;
    }
    /* All who deliver in this turn append first; then the files are made while the disk writes. */
    journal_begin_wait(&ticket);
    unsigned tried = deliver_first(&local, delivery, path);
    unsigned left = delivery->recipient_count - tried;
    if (left > 0) {
        error rest = deliver_rest(&local, delivery->recipients + tried, left, path);
        for (unsigned i = 0; failed(rest) && i < left; i++)
            delivery->recipients[tried + i].result = rest;
    }
    free(path);
    problem = journal_commit_wait(&ticket);
    if (failed(problem))
        undo(&local, delivery, problem);
    journal_settle(&ticket);
    retract_failed(delivery, local.base);
    for (unsigned i = 0; i < delivery->recipient_count; i++)
        metric_add(&deliveries, !failed(delivery->recipients[i].result));
    metric_observe(&delivery_time, (uint64_t)(time_now() - begun));
    return problem;
}

/* Quota. */

struct quota_question {
    const struct store_account_key *account;
    uint64_t size;
};

static error quota_at_once(void *argument)
{
    struct quota_question *question = argument;
    struct account *account = account_peek(question->account->id);
    if (!account || !account->usage_known)
        return error_make(ERROR_BUSY, "it would have to wait");
    account->quota_bytes = question->account->quota_bytes;
    account->quota_messages = question->account->quota_messages;
    return account_check_quota(account, question->size, 1);
}

static error quota_here(void *argument)
{
    struct quota_question *question = argument;
    struct account *account;
    error problem = account_open(question->account, false, &account);
    if (problem.kind == ERROR_NOT_FOUND) /* empty */
        return question->account->quota_bytes && question->size > question->account->quota_bytes
                   ? error_make(ERROR_LIMIT, "over quota")
                   : OK;
    TRY(problem);
    problem = account_check_quota(account, question->size, 1);
    account_close(&account);
    return problem;
}

error store_quota_check(const struct store_account_key *account, uint64_t size)
{
    if (account->quota_bytes == 0 && account->quota_messages == 0)
        return OK;
    struct quota_question question = {account, size};
    unsigned home = store_home_core(account->id);
    error problem = core_visit(home, quota_at_once, &question);
    return problem.kind == ERROR_BUSY ? core_call(home, quota_here, &question) : problem;
}
