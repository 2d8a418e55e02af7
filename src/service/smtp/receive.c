/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/smtp/receive.h"

#include "base/log.h"
#include "base/metric.h"
#include "format/mail/header.h"
#include "format/mail/received.h"
#include "net/tls.h"
#include "service/smtp/answer.h"
#include "transport/deliver/local.h"

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

/* RFC 5321 6.3, and our own mark of a final delivery. */
static bool goes_in_circles(const struct smtp_session *s)
{
    const struct smtp_transaction *t = &s->transaction;
    slice message = body_slice(&t->body);
    slice header = slice_sub(message, 0, mail_header_size(message));
    if (mail_received_count(header) > s->settings->hops_max)
        return true;
    slice value;
    if (!mail_header_find(header, SLICE("Delivered-To"), &value))
        return false;
    for (const struct smtp_target *target = t->targets; target; target = target->next)
        if (mail_delivered_to_has(header, target->account->address))
            return true;
    return false;
}

/* RFC 3848; RFC 6531 4.3 */
static const char *protocol_name(const struct smtp_session *s)
{
    bool tls = stream_is_tls(s->stream);
    if (s->transaction.mail.utf8)
        return tls ? "UTF8SMTPS" : "UTF8SMTP";
    if (!s->esmtp)
        return "SMTP";
    return tls ? "ESMTPS" : "ESMTP";
}

static error make_trace(struct smtp_session *s, slice id, slice *out_trace)
{
    struct smtp_transaction *t = &s->transaction;
    char peer[ADDRESS_TEXT_SIZE + 8];
    struct tls_information tls;
    struct mail_received received = {
        .helo = smtp_session_helo(s),
        .client_address = smtp_session_peer(s, peer),
        .by = s->service->hostname,
        .with = slice_from_string(protocol_name(s)),
        .id = id,
        .recipient = t->recipient_count == 1 ? t->recipients->address : SLICE_EMPTY,
        .time_seconds = time_wall_seconds(),
    };
    if (stream_tls_information(s->stream, &tls))
        TRY(arena_format(&t->arena, &received.tls, "%s with cipher %s (%u bits)", tls.protocol,
                         tls.cipher, tls.bits));
    struct buffer trace;
    buffer_init(&trace, SMTP_TRACE_SIZE_MAX);
    mail_received_write(&trace, &received);
    error problem = buffer_check(&trace);
    if (!failed(problem))
        problem = arena_copy(&t->arena, buffer_slice(&trace), out_trace);
    buffer_close(&trace);
    return problem;
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

/* WAITS. */
static error deliver(struct smtp_session *s, slice id)
{
    struct smtp_transaction *t = &s->transaction;
    struct deliver_local delivery = {
        .id = id,
        .sender = t->mail.sender.address,
        .message = body_slice(&t->body),
        .deadline = time_after(s->settings->delivery_timeout),
    };
    TRY(make_trace(s, id, &delivery.trace));
    delivery.targets = ARENA_ARRAY(&t->arena, struct deliver_local_target, t->target_count);
    TRY_MEMORY(delivery.targets);
    for (const struct smtp_target *target = t->targets; target; target = target->next)
        delivery.targets[delivery.count++] =
            (struct deliver_local_target){.account = target->account, .detail = target->detail};
    error problem = deliver_local(&delivery, &t->arena);
    if (problem.kind == ERROR_LIMIT) /* ours, not a mailbox's */
        problem.kind = ERROR_TEMPORARY;
    TRY(problem);
    return first_failure(&delivery);
}

static void log_mail(const struct smtp_session *s, slice id, enum smtp_reply reply, error problem,
                     int64_t took)
{
    const struct smtp_transaction *t = &s->transaction;
    char peer[ADDRESS_TEXT_SIZE];
    struct log_line line = log_begin(LOG_INFO, "smtp.mail");
    log_text(&line, "id", id);
    log_text(&line, "peer", address_format_ip(stream_peer(s->stream), peer));
    log_text(&line, "from", t->mail.sender.address);
    log_text(&line, "to", t->recipients->address);
    log_number(&line, "recipients", t->recipient_count);
    log_number(&line, "mailboxes", t->target_count);
    log_number(&line, "size", (int64_t)t->body.size);
    log_number(&line, "us", took / TIME_US);
    log_number(&line, "reply", reply == SMTP_REPLY_NONE ? 250 : smtp_reply_row(reply)->code);
    log_error(&line, problem);
    log_end(&line);
}

static void count(struct smtp_session *s, enum smtp_reply reply)
{
    const struct smtp_transaction *t = &s->transaction;
    if (reply != SMTP_REPLY_NONE) {
        metric_add(smtp_reply_row(reply)->code < 500 ? &later_total : &refused_total, 1);
        return;
    }
    s->mails++;
    s->recipients += t->recipient_count;
    s->mail_bytes += t->body.size;
    metric_add(&accepted_total, 1);
    metric_add(&bytes_total, (int64_t)t->body.size);
    metric_observe(&size_seen, t->body.size);
}

error smtp_receive(struct smtp_session *s)
{
    instant began = time_now();
    enum smtp_reply reply = SMTP_REPLY_MAIL_LOOP;
    error problem = OK;
    slice id = SLICE("none"), text;
    s->base.state = "delivery";
    if (!goes_in_circles(s)) {
        problem = make_id(s, &id);
        if (!failed(problem))
            problem = deliver(s, id);
        reply = smtp_reply_for_store(problem);
    }
    int64_t took = time_now() - began;
    metric_observe(&commit_time, (uint64_t)took);
    count(s, reply);
    log_mail(s, id, reply, problem, took);
    error written = arena_format(&s->command_arena, &text, "Ok: stored as %.*s", SLICE_ARG(id));
    smtp_transaction_reset(&s->transaction);
    TRY(written);
    return reply == SMTP_REPLY_NONE ? smtp_answer_text(s, SMTP_REPLY_OK, text)
                                    : smtp_answer(s, reply);
}
