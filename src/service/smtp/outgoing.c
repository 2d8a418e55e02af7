/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/smtp/outgoing.h"

#include "base/metric.h"
#include "base/utf8.h"
#include "filter/authentic/signer.h"
#include "format/mail/submitted.h"
#include "transport/forward.h"

METRIC_COUNTER(queued_total, "ringmail_smtp_queued_total", "",
               "Messages that sessions gave to the queue");
METRIC_COUNTER(forwarded_total, "ringmail_smtp_forwarded_total", "",
               "Messages from strangers that aliases lead elsewhere");

enum { LOCAL, OUTSIDE }; /* envelopes on port 25 */

bool smtp_outgoing_is_wanted(const struct smtp_transaction *t)
{
    int64_t hold = smtp_transaction_hold_until(t);
    return t->outside_count || t->report_success || (hold && hold > time_wall_seconds());
}

static struct queue_recipient recipient_of(const struct smtp_target *target)
{
    const struct smtp_recipient *named = target->recipient;
    struct queue_recipient recipient = {
        .address = target->extended,
        .final = target->account != NULL,
        .notify = named->notify,
        .orcpt_type = named->orcpt_type,
        .orcpt_address = named->orcpt_address,
    };
    if (recipient.orcpt_type.size == 0 && !slice_equal(named->address, target->extended)) {
        recipient.orcpt_type = utf8_is_ascii(named->address) ? SLICE("rfc822") : SLICE("utf-8");
        recipient.orcpt_address = named->address;
    }
    return recipient;
}

/* What all envelopes of the mail share. */
static struct queue_envelope envelope_of(const struct smtp_session *s, slice id, slice prefix)
{
    const struct smtp_transaction *t = &s->transaction;
    const struct smtp_mail *mail = &t->mail;
    struct mail_submitted header;
    mail_submitted_read(body_slice(&t->body), &header);
    struct queue_envelope envelope = {
        .sender = mail->sender.address,
        .prefix = prefix,
        .body = mail->body,
        .utf8 = mail->utf8,
        .ret = mail->ret,
        .envid = mail->envid,
        .require_tls = mail->require_tls,
        .tls_optional = header.tls_optional && !mail->require_tls, /* RFC 8689 4.1 */
        .priority = mail->priority,
        .hold_until = smtp_transaction_hold_until(t),
        .account = s->account,
        .origin = id,
    };
    if (mail->deliver_by) {
        envelope.deliver_by = t->began_seconds + mail->deliver_by_seconds;
        envelope.deliver_by_mode = mail->deliver_by_mode;
        envelope.deliver_by_trace = mail->deliver_by_trace;
    }
    return envelope;
}

/* The targets of one kind, or all. An address beyond ASCII needs SMTPUTF8 whatever MAIL said: an
 * alias may name one. */
enum { LOCAL_TARGETS = 1 << LOCAL, OUTSIDE_TARGETS = 1 << OUTSIDE };
static error add_recipients(struct smtp_transaction *t, unsigned kinds,
                            struct queue_envelope *envelope)
{
    unsigned room = t->target_count + t->outside_count, count = 0;
    struct queue_recipient *recipients = ARENA_ARRAY(&t->arena, struct queue_recipient, room);
    TRY_MEMORY(recipients);
    for (const struct smtp_target *target = t->targets; target; target = target->next) {
        if (!(kinds & (target->account ? LOCAL_TARGETS : OUTSIDE_TARGETS)))
            continue;
        envelope->utf8 |= !utf8_is_ascii(target->extended);
        recipients[count++] = recipient_of(target);
    }
    envelope->recipients = recipients;
    envelope->recipient_count = count;
    return OK;
}

/* WAITS. By the key of the domain whose alias leads elsewhere. */
static error seal(struct smtp_session *s, slice *prefix)
{
    struct smtp_transaction *t = &s->transaction;
    const struct smtp_target *target = t->targets;
    slice local, domain;
    struct buffer fields;
    while (target->account)
        target = target->next;
    slice_cut_last(target->recipient->address, '@', &local, &domain);
    buffer_init(&fields, QUEUE_PREFIX_SIZE_MAX);
    error problem = signer_seal(domain, *prefix, body_slice(&t->body), t->authentication.results,
                                &t->arena, &fields);
    if (!failed(problem)) {
        buffer_add(&fields, *prefix);
        problem = buffer_check(&fields);
    }
    if (!failed(problem))
        problem = arena_copy(&t->arena, buffer_slice(&fields), prefix);
    buffer_close(&fields);
    return problem;
}

/* WAITS. Mail of strangers: what is forwarded is told apart from what stays. */
static error make_forwarded(struct smtp_session *s, struct queue_envelope envelopes[2])
{
    struct queue_envelope *outside = &envelopes[OUTSIDE];
    TRY(add_recipients(&s->transaction, LOCAL_TARGETS, &envelopes[LOCAL]));
    TRY(add_recipients(&s->transaction, OUTSIDE_TARGETS, outside));
    if (outside->recipient_count == 0)
        return OK;
    metric_add(&forwarded_total, 1);
    TRY(forward_sender(outside->sender, &s->transaction.arena, &outside->sender));
    return seal(s, &outside->prefix);
}

error smtp_outgoing_submit(struct smtp_session *s, slice id, slice prefix, queue_id *out_id)
{
    struct smtp_transaction *t = &s->transaction;
    struct queue_envelope envelopes[2] = {[LOCAL] = envelope_of(s, id, prefix)};
    envelopes[OUTSIDE] = envelopes[LOCAL];
    struct queue_submission submission = {.envelopes = envelopes,
                                          .count = 1,
                                          .body = &t->body,
                                          .deadline = time_after(s->settings->delivery_timeout)};
    if (smtp_session_is_submission(s)) {
        TRY(add_recipients(t, LOCAL_TARGETS | OUTSIDE_TARGETS, &envelopes[LOCAL]));
    } else {
        TRY(make_forwarded(s, envelopes));
        submission.count = t->target_count && t->outside_count ? 2 : 1;
        submission.envelopes = &envelopes[t->target_count ? LOCAL : OUTSIDE];
    }
    TRY(queue_submit(&submission));
    metric_add(&queued_total, 1);
    *out_id = submission.envelopes[0].id;
    return OK;
}
