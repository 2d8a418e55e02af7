/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "transport/deliver/local.h"

#include "base/buffer.h"
#include "base/log.h"
#include "base/metric.h"
#include "data/store/delivery.h"
#include "filter/spam/settings.h"
#include "filter/spam/spam.h"
#include "format/mail/received.h"
#include "transport/deliver/junk.h"

METRIC_COUNTER(stored_total, "ringmail_deliveries_total", "result=\"stored\"",
               "Deliveries into mailboxes by result");
METRIC_COUNTER(full_total, "ringmail_deliveries_total", "result=\"full\"",
               "Deliveries into mailboxes by result");
METRIC_COUNTER(failed_total, "ringmail_deliveries_total", "result=\"failed\"",
               "Deliveries into mailboxes by result");
METRIC_HISTOGRAM(delivery_time, "ringmail_delivery_seconds", "",
                 "Making a message durable in all its mailboxes");

/* RFC 5321 4.4: what final delivery puts before the message. */
static error make_header(const struct deliver_local *d, struct arena *arena, slice *out_header)
{
    struct buffer header;
    buffer_init(&header, DELIVER_LOCAL_HEADER_SIZE_MAX);
    mail_return_path_write(&header, d->sender);
    if (d->count == 1)
        mail_delivered_to_write(&header, d->targets[0].account->address);
    buffer_add(&header, d->trace);
    error problem = buffer_check(&header);
    if (!failed(problem))
        problem = arena_copy(arena, buffer_slice(&header), out_header);
    buffer_close(&header);
    return problem;
}

static void log_delivery(const struct deliver_local *d, const struct deliver_local_target *target,
                         uint32_t uid, int64_t took)
{
    struct log_line line = log_begin(LOG_INFO, "delivery");
    log_text(&line, "id", d->id);
    log_text(&line, "from", d->sender);
    log_text(&line, "to", target->account->address);
    log_number(&line, "size", (int64_t)d->message.size);
    log_number(&line, "uid", uid);
    log_number(&line, "us", took / TIME_US);
    log_error(&line, target->result);
    log_end(&line);
}

static void count(error result)
{
    metric_add(!failed(result)              ? &stored_total
               : result.kind == ERROR_LIMIT ? &full_total
                                            : &failed_total,
               1);
}

static slice junk_mailbox(void)
{
    const struct spam_settings *settings = spam_settings_here();
    return settings ? settings->junk_mailbox : SLICE("Junk");
}

/* WAITS. Targets first .. first + count - 1: one journal record, one file. */
static error deliver_some(struct deliver_local *d, unsigned first, unsigned count_,
                          const slice parts[2], struct store_recipient *recipients,
                          struct arena *arena)
{
    struct deliver_local_target *targets = d->targets + first;
    instant began = time_now();
    for (unsigned i = 0; i < count_; i++) {
        const struct directory_account *account = targets[i].account;
        recipients[i] = (struct store_recipient){
            .account = {.id = account->address,
                        .path = slice_from_string(account->maildir),
                        .quota_bytes = account->quota_bytes,
                        .quota_messages = account->quota_messages},
        };
    }
    if (d->junk)
        TRY(junk_find_mailboxes(recipients, count_, junk_mailbox(), arena));
    struct store_delivery delivery = {
        .parts = parts,
        .part_count = 2,
        .recipients = recipients,
        .recipient_count = count_,
        .deadline = d->deadline,
    };
    error problem = store_deliver(&delivery);
    int64_t took = time_now() - began;
    metric_observe(&delivery_time, (uint64_t)took);
    for (unsigned i = 0; i < count_; i++) {
        targets[i].result = failed(problem) ? problem : recipients[i].result;
        count(targets[i].result);
        log_delivery(d, &targets[i], recipients[i].uid, took);
    }
    return problem;
}

error deliver_local(struct deliver_local *d, struct arena *arena)
{
    slice header;
    unsigned batch = d->count < STORE_RECIPIENTS_MAX ? d->count : STORE_RECIPIENTS_MAX;
    struct store_recipient *recipients = ARENA_ARRAY(arena, struct store_recipient, batch);
    TRY_MEMORY(recipients);
    TRY(make_header(d, arena, &header));
    const slice parts[2] = {header, d->message};
    for (unsigned first = 0; first < d->count; first += batch) {
        unsigned left = d->count - first;
        error problem =
            deliver_some(d, first, left < batch ? left : batch, parts, recipients, arena);
        if (first == 0 && d->count <= batch)
            TRY(problem); /* later batches: their targets' results say it */
    }
    return OK;
}
