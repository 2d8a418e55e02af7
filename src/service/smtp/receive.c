/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/smtp/receive.h"

#include "base/log.h"
#include "base/metric.h"
#include "format/mail/header.h"
#include "format/mail/received.h"
#include "service/smtp/answer.h"
#include "service/smtp/outgoing.h"
#include "service/smtp/sending.h"
#include "service/smtp/submitted.h"
#include "service/smtp/trace.h"
#include "transport/deliver/local.h"
#include "transport/incoming_report.h"

METRIC_COUNTER(accepted_total, "ringmail_smtp_messages_total", "result=\"accepted\"",
               "Messages by result");
METRIC_COUNTER(refused_total, "ringmail_smtp_messages_total", "result=\"refused\"",
               "Messages by result");
METRIC_COUNTER(later_total, "ringmail_smtp_messages_total", "result=\"later\"",
               "Messages by result");
METRIC_COUNTER(bytes_total, "ringmail_smtp_message_bytes_total", "", "Bytes of accepted messages");
METRIC_HISTOGRAM(size_seen, "ringmail_smtp_message_size_bytes", "", "Size of accepted messages");
METRIC_HISTOGRAM(commit_time, "ringmail_smtp_commit_seconds", "",
                 "From the last byte of a message to its reply");

/* One mail of a session: "4f1c...-3". */
static error make_id(struct smtp_session *s, slice *out_id)
{
    char id[SESSION_ID_SIZE];
    session_id(&s->base, id);
    return arena_format(&s->transaction.arena, out_id, "%s-%u", id, s->transactions);
}

/* RFC 5321 6.3, and our own mark of a final delivery; who sends a mail again by hand may keep that.
 */
static bool goes_in_circles(const struct smtp_session *s)
{
    const struct smtp_transaction *t = &s->transaction;
    slice message = body_slice(&t->body);
    slice header = slice_sub(message, 0, mail_header_size(message));
    if (mail_received_count(header) > s->settings->hops_max)
        return true;
    slice value;
    if (smtp_session_is_submission(s) || !mail_header_find(header, SLICE("Delivered-To"), &value))
        return false;
    for (const struct smtp_target *target = t->targets; target; target = target->next)
        if (target->account && mail_delivered_to_has(header, target->address))
            return true;
    return false;
}

/* One reply for all targets: as long as one of them lacks the message, the sender must keep it. The
 * targets that have it will then get it again; room was asked for at RCPT, so this is rare. */
static error first_failure(const struct deliver_local *delivery)
{
    for (unsigned i = 0; i < delivery->count; i++)
        if (failed(delivery->targets[i].result))
            return delivery->targets[i].result;
    return OK;
}

/* What became of the mail. */
struct outcome {
    enum smtp_reply reply; /* NONE: taken */
    slice text;            /* of the reply, in the command's arena; empty: the table's */
    error problem;         /* why not, for the log */
    slice id;
    bool queued;
    char queue_id[QUEUE_ID_TEXT_SIZE];
};

/* WAITS. Straight into mailboxes. Scripts refuse a mail in the dialogue for all of its recipients
 * or for none. */
static error deliver(struct smtp_session *s, slice prefix, struct outcome *outcome)
{
    struct smtp_transaction *t = &s->transaction;
    struct deliver_local delivery = {
        .id = outcome->id,
        .sender = t->mail.sender.address,
        .trace = prefix,
        .message = body_slice(&t->body),
        .junk = t->junk,
        .deadline = time_after(s->settings->delivery_timeout),
    };
    delivery.targets = ARENA_ARRAY(&t->arena, struct deliver_local_target, t->target_count);
    TRY_MEMORY(delivery.targets);
    for (const struct smtp_target *target = t->targets; target; target = target->next)
        delivery.targets[delivery.count++] =
            (struct deliver_local_target){.account = target->account,
                                          .detail = target->detail,
                                          .recipient = target->recipient->address};
    error problem = deliver_local(&delivery, &t->arena);
    if (problem.kind == ERROR_LIMIT) /* ours, not a mailbox's */
        problem.kind = ERROR_TEMPORARY;
    TRY(problem);
    problem = first_failure(&delivery);
    outcome->reply =
        delivery.targets[0].refused ? SMTP_REPLY_SCRIPT_REFUSED : smtp_reply_for_store(problem);
    if (delivery.targets[0].refused && delivery.targets[0].refusal.size)
        TRY(arena_copy(&s->command_arena, delivery.targets[0].refusal, &outcome->text));
    return problem;
}

/* WAITS. */
static void hand_over(struct smtp_session *s, slice prefix, struct outcome *outcome)
{
    if (!smtp_outgoing_is_wanted(&s->transaction)) {
        outcome->problem = deliver(s, prefix, outcome);
        if (outcome->reply == SMTP_REPLY_NONE)
            outcome->reply = smtp_reply_for_store(outcome->problem);
        return;
    }
    queue_id id;
    outcome->problem = smtp_outgoing_submit(s, outcome->id, prefix, &id);
    outcome->reply = smtp_reply_for_queue(outcome->problem);
    outcome->queued = !failed(outcome->problem);
    if (outcome->queued)
        queue_id_format(id, outcome->queue_id);
}

/* WAITS. A mail counts for its account from here on; what is not taken in the end is given back. */
static void hand_over_counted(struct smtp_session *s, slice prefix, struct outcome *outcome)
{
    const struct smtp_transaction *t = &s->transaction;
    unsigned recipients = t->recipient_count;
    struct smtp_sending answer = smtp_sending_take(s->account, s->settings, recipients);
    if (answer.refused) {
        smtp_submitted_limit_met(s, t->mail.sender.address, answer.alert);
        outcome->reply = smtp_submitted_limit_reply(s, recipients);
        return;
    }
    hand_over(s, prefix, outcome);
    if (outcome->reply != SMTP_REPLY_NONE)
        smtp_sending_give(s->account, s->settings, recipients);
}

/* Bounces and complaints become events as well. */
static void tell_report(const struct smtp_session *s, slice id)
{
    const struct smtp_transaction *t = &s->transaction;
    incoming_report_tell(&(struct incoming_report){
        .id = id,
        .sender = t->mail.sender.address,
        .recipient = t->recipients->address,
        .account = t->targets && t->targets->account ? t->targets->address : SLICE_EMPTY,
        .message = body_slice(&t->body),
    });
}

/* WAITS. Is it from whom it says, and what does that mean? False where the mail is refused, or
 * nobody knows. */
static bool authenticate(struct smtp_session *s, struct outcome *outcome)
{
    struct smtp_transaction *t = &s->transaction;
    struct smtp_authentication *found = &t->authentication;
    outcome->problem = smtp_authenticate(s, found);
    if (!failed(outcome->problem) && found->text.size)
        outcome->problem = arena_copy(&s->command_arena, found->text, &outcome->text);
    outcome->reply = smtp_reply_for_memory(outcome->problem);
    t->junk |= found->action == AUTHENTIC_JUNK;
    if (found->action == AUTHENTIC_REFUSE && outcome->reply == SMTP_REPLY_NONE)
        outcome->reply = SMTP_REPLY_NOT_AUTHENTIC;
    return outcome->reply == SMTP_REPLY_NONE;
}

/* WAITS. Is it wanted? False where the mail is refused or delayed, or it cannot be asked. */
static bool judge(struct smtp_session *s, struct outcome *outcome)
{
    slice text = SLICE_EMPTY;
    outcome->problem = smtp_judge(s, outcome->id, &outcome->reply, &text);
    if (!failed(outcome->problem) && outcome->reply != SMTP_REPLY_NONE && text.size)
        outcome->problem = arena_copy(&s->command_arena, text, &outcome->text);
    if (failed(outcome->problem))
        outcome->reply = smtp_reply_for_memory(outcome->problem);
    return outcome->reply == SMTP_REPLY_NONE;
}

/* What is put before mail of strangers: above Received: (RFC 8601 4) what is said about it. */
static error make_prefix(struct smtp_session *s, slice id, slice *out_prefix)
{
    slice trace, spam, field = s->transaction.authentication.field;
    TRY(smtp_judgement_fields(s, &spam));
    TRY(smtp_trace_make(s, id, &trace));
    return arena_format(&s->transaction.arena, out_prefix, "%.*s%.*s%.*s", SLICE_ARG(spam),
                        SLICE_ARG(field), SLICE_ARG(trace));
}

/* WAITS. */
static void take(struct smtp_session *s, struct outcome *outcome)
{
    slice prefix;
    if (goes_in_circles(s)) {
        outcome->reply = SMTP_REPLY_MAIL_LOOP;
        return;
    }
    outcome->problem = make_id(s, &outcome->id);
    if (!failed(outcome->problem) && smtp_session_is_submission(s)) {
        outcome->reply = smtp_submitted_prepare(s, outcome->id, &prefix, &outcome->problem);
        if (outcome->reply == SMTP_REPLY_NONE && judge(s, outcome))
            hand_over_counted(s, prefix, outcome);
        return;
    }
    if (!failed(outcome->problem) && (!authenticate(s, outcome) || !judge(s, outcome)))
        return;
    if (!failed(outcome->problem))
        outcome->problem = make_prefix(s, outcome->id, &prefix);
    if (failed(outcome->problem)) {
        outcome->reply = SMTP_REPLY_STORE_TROUBLE;
        return;
    }
    tell_report(s, outcome->id);
    hand_over(s, prefix, outcome);
}

static void log_authentication(struct log_line *line, const struct authentic *authentic)
{
    if (!authentic)
        return;
    log_string(line, "spf", spf_result_name(authentic->spf_mail));
    log_string(line, "dmarc", dmarc_result_name(authentic->dmarc.result));
    log_text(line, "author", authentic->dmarc.from_domain);
}

static void log_judgement(struct log_line *line, const struct smtp_judgement *judgement)
{
    const struct spam_verdict *verdict = &judgement->verdict;
    if (!judgement->asked)
        return;
    log_string(line, "spam", spam_action_name(verdict->action));
    if (verdict->judged)
        log_decimal(line, "score", verdict->score);
    else
        log_string(line, "unjudged", verdict->problem.text);
}

static void log_mail(const struct smtp_session *s, const struct outcome *outcome, size_t size,
                     int64_t took)
{
    const struct smtp_transaction *t = &s->transaction;
    char peer[ADDRESS_TEXT_SIZE];
    struct log_line line = log_begin(LOG_INFO, "smtp.mail");
    log_text(&line, "id", outcome->id);
    if (outcome->queued)
        log_string(&line, "queue_id", outcome->queue_id);
    log_text(&line, "peer", address_format_ip(stream_peer(s->stream), peer));
    if (s->account.data)
        log_text(&line, "account", s->account);
    log_text(&line, "from", t->mail.sender.address);
    log_text(&line, "to", t->recipients->address);
    log_number(&line, "recipients", t->recipient_count);
    log_number(&line, "mailboxes", t->target_count);
    if (t->outside_count)
        log_number(&line, "outside", t->outside_count);
    log_authentication(&line, t->authentication.authentic);
    log_judgement(&line, &t->judgement);
    log_number(&line, "size", (int64_t)size);
    log_number(&line, "us", took / TIME_US);
    log_number(&line, "reply",
               outcome->reply == SMTP_REPLY_NONE ? 250 : smtp_reply_row(outcome->reply)->code);
    log_error(&line, outcome->problem);
    log_end(&line);
}

static void count(struct smtp_session *s, enum smtp_reply reply, size_t size)
{
    const struct smtp_transaction *t = &s->transaction;
    if (reply != SMTP_REPLY_NONE) {
        metric_add(smtp_reply_row(reply)->code < 500 ? &later_total : &refused_total, 1);
        return;
    }
    s->mails++;
    s->recipients += t->recipient_count;
    s->mail_bytes += size;
    metric_add(&accepted_total, 1);
    metric_add(&bytes_total, (int64_t)size);
    metric_observe(&size_seen, size);
}

error smtp_receive(struct smtp_session *s)
{
    instant began = time_now();
    struct outcome outcome = {.id = SLICE("none")};
    size_t size = s->transaction.body.size; /* the queue takes the body */
    slice text;
    s->base.state = "delivery";
    take(s, &outcome);
    int64_t took = time_now() - began;
    metric_observe(&commit_time, (uint64_t)took);
    count(s, outcome.reply, size);
    log_mail(s, &outcome, size, took);
    error written =
        outcome.queued
            ? arena_format(&s->command_arena, &text, "Ok: queued as %s", outcome.queue_id)
            : arena_format(&s->command_arena, &text, "Ok: stored as %.*s", SLICE_ARG(outcome.id));
    smtp_transaction_reset(&s->transaction);
    TRY(written);
    if (outcome.reply == SMTP_REPLY_NONE)
        return smtp_answer_text(s, SMTP_REPLY_OK, text);
    return outcome.text.size ? smtp_answer_text(s, outcome.reply, outcome.text)
                             : smtp_answer(s, outcome.reply);
}
