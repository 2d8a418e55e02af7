/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One mail over an open connection: as few round trips as the server allows. With PIPELINING the
 * envelope is one write and one wait; with CHUNKING too, a small message travels along with it
 * (RFC 3030 4.2), so that a mail costs one round trip.
 */
#include "base/metric.h"
#include "transport/deliver/remote_body.h"
#include "transport/deliver/remote_command.h"
#include "transport/deliver/remote_state.h"

METRIC_COUNTER(taken_total, "ringmail_remote_recipients_total", "result=\"taken\"",
               "Recipients that other servers were asked to take");
METRIC_COUNTER(later_total, "ringmail_remote_recipients_total", "result=\"later\"",
               "Recipients that other servers were asked to take");
METRIC_COUNTER(never_total, "ringmail_remote_recipients_total", "result=\"never\"",
               "Recipients that other servers were asked to take");
METRIC_COUNTER(doubtful_total, "ringmail_remote_doubtful_total", "",
               "Mails whose final reply was lost: they may arrive twice (RFC 1047)");
METRIC_COUNTER(chunked_total, "ringmail_remote_messages_total", "by=\"bdat\"",
               "Messages sent to other servers");
METRIC_COUNTER(dotted_total, "ringmail_remote_messages_total", "by=\"data\"",
               "Messages sent to other servers");
METRIC_COUNTER(refused_chunks_total, "ringmail_remote_chunking_refused_total", "",
               "Servers that offered CHUNKING and did not know BDAT");
METRIC_HISTOGRAM(envelope_time, "ringmail_remote_envelope_seconds", "",
                 "From MAIL to the last reply to RCPT");
METRIC_HISTOGRAM(message_time, "ringmail_remote_message_seconds", "",
                 "From the first byte of a message to the last reply to it");

/* What is under way before the recipients' replies are known. */
enum ahead { AHEAD_NOTHING, AHEAD_DATA, AHEAD_MESSAGE };

/* One MAIL: some of a mail's recipients, as many as the server takes at a time. */
struct transaction {
    struct remote *remote;
    struct remote_mail *mail;
    struct arena *arena;
    struct remote_body body;
    struct remote_recipient **recipients; /* of this turn */
    bool *taken;                          /* RCPT was answered by 2xx */
    unsigned count, taken_count;
    bool pipelining;
    bool sender_refused;
    bool resetting; /* the reply to RSET comes first */
    bool chunk_sent;
    bool delivered; /* the final reply was positive for somebody */
    error cut;      /* the server went in the middle of the message: what it said first counts */
    enum ahead ahead;
};

static bool is_open(const struct remote_recipient *recipient)
{
    return recipient->answer.enhanced[0] == 0;
}

/* All of the mail's recipients that have no answer yet get this one. */
static void settle(const struct remote_mail *mail, struct remote_answer answer)
{
    for (unsigned i = 0; i < mail->count; i++)
        if (is_open(&mail->recipients[i]))
            mail->recipients[i].answer = answer;
}

/* The same for this transaction's alone. */
static void settle_turn(const struct transaction *t, struct remote_answer answer)
{
    for (unsigned i = 0; i < t->count; i++)
        if (is_open(t->recipients[i]))
            t->recipients[i]->answer = answer;
}

/* WAITS. After 421 everybody has it for an answer. */
static error read_reply(struct transaction *t, enum remote_stage stage, int64_t timeout)
{
    error problem =
        remote_read_reply(t->remote, failed(t->cut) ? t->remote->settings->quit_timeout : timeout);
    /* Who is silent has the mail, and may yet take it; only who was gone has not. */
    t->mail->heard |= problem.kind != ERROR_CLOSED;
    TRY(problem);
    if (t->remote->response.code != 421)
        return OK;
    settle(t->mail, remote_answer_of(t->remote, stage, t->arena));
    return error_make(ERROR_CLOSED, "the server closes the connection");
}

static bool reply_is(const struct transaction *t, int class)
{
    return t->remote->response.code / 100 == class;
}

static error out_of_step(struct transaction *t)
{
    return remote_break(t->remote,
                        error_make(ERROR_MALFORMED, "a reply does not belong to its command"));
}

/* ---- Envelope ---- */

/* WAITS. */
static error read_mail_replies(struct transaction *t)
{
    const struct remote_settings *settings = t->remote->settings;
    if (t->resetting) {
        TRY(read_reply(t, REMOTE_STAGE_MAIL, settings->mail_timeout));
        if (!reply_is(t, 2))
            return out_of_step(t);
        t->resetting = false;
        t->remote->reset_first = false;
    }
    TRY(read_reply(t, REMOTE_STAGE_MAIL, settings->mail_timeout));
    if (reply_is(t, 3))
        return out_of_step(t);
    if (reply_is(t, 2))
        return OK;
    t->sender_refused = true;
    settle_turn(t, remote_answer_of(t->remote, REMOTE_STAGE_MAIL, t->arena));
    return OK;
}

/* WAITS. */
static error read_rcpt_reply(struct transaction *t, unsigned index)
{
    TRY(read_reply(t, REMOTE_STAGE_RCPT, t->remote->settings->rcpt_timeout));
    if (reply_is(t, 3))
        return out_of_step(t);
    if (t->sender_refused)
        return OK; /* 503, whatever the recipient is */
    if (reply_is(t, 2)) {
        t->taken[index] = true;
        t->taken_count++;
    } else {
        t->recipients[index]->answer = remote_answer_of(t->remote, REMOTE_STAGE_RCPT, t->arena);
    }
    return OK;
}

/* WAITS. */
static error send_message(struct transaction *t)
{
    struct remote *remote = t->remote;
    instant deadline = time_after(remote->settings->message_timeout);
    error problem = t->body.chunked ? remote_body_send_chunk(&t->body, remote->stream, deadline)
                                    : remote_body_send_data(&t->body, remote->stream, deadline);
    metric_add(t->body.chunked ? &chunked_total : &dotted_total, 1);
    t->chunk_sent = t->body.chunked;
    if (problem.kind == ERROR_CLOSED) {
        t->cut = problem;
        stream_drop_output(remote->stream);
        return OK;
    }
    return failed(problem) ? remote_break(remote, problem) : OK;
}

/* WAITS. What may go before the replies are in (RFC 2920 3.1, RFC 3030 4.2). */
static error go_ahead(struct transaction *t)
{
    if (!t->body.chunked) {
        t->ahead = AHEAD_DATA;
        return stream_write(t->remote->stream, SLICE("DATA\r\n"));
    }
    if (t->body.size > t->remote->settings->eager_size)
        return OK;
    t->ahead = AHEAD_MESSAGE;
    return send_message(t);
}

static error write_mail(struct transaction *t)
{
    t->resetting = t->remote->reset_first;
    if (t->resetting)
        TRY(stream_write(t->remote->stream, SLICE("RSET\r\n")));
    return remote_command_mail(t->remote, t->mail, &t->body);
}

/* WAITS. Server without PIPELINING: each command waits for the reply to the one before. */
static error envelope_in_steps(struct transaction *t)
{
    TRY(write_mail(t));
    TRY(read_mail_replies(t));
    for (unsigned i = 0; i < t->count && !t->sender_refused; i++) {
        TRY(remote_check_step(t->remote));
        TRY(remote_command_rcpt(t->remote, t->recipients[i]));
        TRY(read_rcpt_reply(t, i));
    }
    return remote_check_step(t->remote);
}

/* WAITS. */
static error envelope_at_once(struct transaction *t)
{
    TRY(write_mail(t));
    for (unsigned first = 0; first < t->count && !t->sender_refused;) {
        unsigned end = first + REMOTE_RECIPIENTS_AT_ONCE;
        if (end > t->count)
            end = t->count;
        for (unsigned i = first; i < end; i++)
            TRY(remote_command_rcpt(t->remote, t->recipients[i]));
        if (end == t->count)
            TRY(go_ahead(t));
        if (first == 0)
            TRY(read_mail_replies(t));
        for (; first < end; first++)
            TRY(read_rcpt_reply(t, first));
        if (t->ahead == AHEAD_NOTHING)
            TRY(remote_check_step(t->remote));
    }
    return OK;
}

/* ---- Message ---- */

/* WAITS. Nobody is left to get the message: the server must not wait for it. */
static error abandon(struct transaction *t)
{
    struct remote *remote = t->remote;
    remote->reset_first = !t->sender_refused || t->ahead == AHEAD_MESSAGE;
    if (t->ahead == AHEAD_NOTHING)
        return OK;
    TRY(read_reply(t, REMOTE_STAGE_DATA, remote->settings->data_timeout));
    if (t->ahead == AHEAD_MESSAGE || !reply_is(t, 3))
        return remote_check_step(remote);
    /* RFC 2920 3.1: it wants the message all the same, and gets an empty one. In LMTP the number of
     * replies to that would be anybody's guess. */
    if (remote->route->kind == ROUTE_LMTP)
        return out_of_step(t);
    TRY(stream_write(remote->stream, SLICE(".\r\n")));
    TRY(read_reply(t, REMOTE_STAGE_FINAL, remote->settings->final_timeout));
    return remote_check_step(remote);
}

/* WAITS. DATA and its reply, then the message. False in *out_sent: refused. */
static error send_after_reply(struct transaction *t, bool *out_sent)
{
    struct remote *remote = t->remote;
    *out_sent = true;
    if (t->body.chunked)
        return send_message(t);
    if (t->ahead == AHEAD_NOTHING)
        TRY(stream_write(remote->stream, SLICE("DATA\r\n")));
    TRY(read_reply(t, REMOTE_STAGE_DATA, remote->settings->data_timeout));
    if (reply_is(t, 2))
        return out_of_step(t);
    if (!reply_is(t, 3)) {
        *out_sent = false;
        remote->reset_first = true;
        settle_turn(t, remote_answer_of(remote, REMOTE_STAGE_DATA, t->arena));
        return remote_check_step(remote);
    }
    TRY(remote_check_step(remote)); /* a verdict on a message that it has not seen */
    return send_message(t);
}

/* A server that knows BDAT swallows the chunk whatever it thinks of it (RFC 3030 2). One that
 * offers CHUNKING, often in the name of another behind it, and says 500 to BDAT takes the message's
 * lines for commands next: nothing was taken, and nothing more can be said to it. */
static error check_chunking(struct transaction *t)
{
    int code = t->remote->response.code;
    bool unknown = code == 500 || code == 502 || code == 503;
    if (!t->body.chunked || t->mail->chunking != REMOTE_CHUNKING_UNUSED)
        return OK;
    t->mail->chunking = unknown ? REMOTE_CHUNKING_REFUSED : REMOTE_CHUNKING_GOOD;
    if (!unknown)
        return OK;
    metric_add(&refused_chunks_total, 1);
    return remote_break(t->remote,
                        error_make(ERROR_MALFORMED, "the server offers BDAT and does not know it"));
}

/* WAITS. One reply to the message: for all, or in LMTP for one (RFC 2033 4.2). */
static error read_verdict(struct transaction *t, struct remote_answer *out_answer)
{
    TRY(read_reply(t, REMOTE_STAGE_FINAL, t->remote->settings->final_timeout));
    TRY(check_chunking(t));
    if (reply_is(t, 3) || (reply_is(t, 2) && failed(t->cut)))
        return out_of_step(t);
    *out_answer = remote_answer_of(t->remote, REMOTE_STAGE_FINAL, t->arena);
    t->delivered |= reply_is(t, 2);
    return OK;
}

/* WAITS. */
static error read_verdicts(struct transaction *t)
{
    struct remote_answer answer;
    if (t->remote->route->kind == ROUTE_LMTP) {
        for (unsigned i = 0; i < t->count; i++)
            if (t->taken[i]) {
                TRY(read_verdict(t, &answer));
                t->recipients[i]->answer = answer;
            }
    } else {
        TRY(read_verdict(t, &answer));
        settle_turn(t, answer);
        /* RFC 3030 2: after a failed BDAT only RSET helps. */
        t->remote->reset_first |= t->body.chunked && answer.enhanced[0] != 2;
    }
    return remote_check_step(t->remote);
}

/* The reply to the message did not come: it may be there, or not. */
static error note_doubt(struct transaction *t, error problem)
{
    bool refused = t->mail->chunking == REMOTE_CHUNKING_REFUSED;
    if (failed(problem) && t->taken_count && !t->delivered && !refused)
        metric_add(&doubtful_total, 1);
    return problem;
}

/* WAITS. */
static error transact(struct transaction *t)
{
    bool sent = true;
    instant began = time_now();
    TRY(remote_check_step(t->remote));
    t->remote->mails++;
    TRY(t->pipelining ? envelope_at_once(t) : envelope_in_steps(t));
    metric_observe(&envelope_time, (uint64_t)(time_now() - began));
    if (t->taken_count == 0)
        return abandon(t);
    began = time_now();
    if (t->ahead != AHEAD_MESSAGE)
        TRY(send_after_reply(t, &sent));
    if (!sent)
        return OK;
    TRY(note_doubt(t, read_verdicts(t)));
    if (failed(t->cut))
        return t->cut;
    metric_observe(&message_time, (uint64_t)(time_now() - began));
    return OK;
}

/* ---- A mail ---- */

/* Who comes next: those without an answer, up to what one transaction may have. */
static void choose(struct transaction *t)
{
    struct remote_mail *mail = t->mail;
    uint64_t most = t->remote->offer.recipients_max; /* RFC 9422 */
    if (most == 0 || most > REMOTE_RECIPIENTS_MAX)
        most = REMOTE_RECIPIENTS_MAX;
    t->count = t->taken_count = 0;
    t->sender_refused = t->delivered = t->chunk_sent = false;
    t->cut = OK;
    t->ahead = AHEAD_NOTHING;
    for (unsigned i = 0; i < mail->count && t->count < most; i++)
        if (is_open(&mail->recipients[i])) {
            t->taken[t->count] = false;
            t->recipients[t->count++] = &mail->recipients[i];
        }
}

/* RFC 5321 4.5.3.1.10: "too many recipients" means "this many at a time". Only where some were
 * taken and the message, too: then the next turn is smaller. */
static void reopen_crowded_out(struct transaction *t)
{
    for (unsigned i = 0; i < t->count && t->delivered; i++) {
        const struct remote_answer *answer = &t->recipients[i]->answer;
        if (!t->taken[i] && answer->code == 452 && answer->enhanced[1] == 5 &&
            answer->enhanced[2] == 3)
            t->recipients[i]->answer = (struct remote_answer){0};
    }
}

/* Replies to the envelope may be lost with the connection, where the message went along with it;
 * but a kept connection that says nothing at all was dead before. */
static void note_broken_chunk(struct transaction *t, error problem)
{
    bool was_there = t->mail->heard || t->remote->mails == 1;
    if (t->chunk_sent && was_there && t->mail->chunking == REMOTE_CHUNKING_UNUSED &&
        problem.kind != ERROR_CANCELLED)
        t->mail->chunking = REMOTE_CHUNKING_BROKE;
}

/* WAITS. */
static error run(struct transaction *t)
{
    const struct smtp_offer *offer = &t->remote->offer;
    t->pipelining = t->remote->settings->pipelining && (offer->extensions & SMTP_OFFERS_PIPELINING);
    for (choose(t); t->count; choose(t)) {
        if (offer->mails_max && t->remote->mails >= offer->mails_max) {
            settle(t->mail, remote_answer_own(4, 5, 3,
                                              "the server takes no more mails on this "
                                              "connection"));
            return OK;
        }
        error problem = transact(t);
        if (failed(problem)) {
            note_broken_chunk(t, problem);
            settle(t->mail, remote_answer_problem(
                                t->taken_count ? REMOTE_STAGE_FINAL : REMOTE_STAGE_MAIL, problem));
            return remote_break(t->remote, problem);
        }
        reopen_crowded_out(t);
    }
    return OK;
}

static void count_results(const struct remote_mail *mail)
{
    for (unsigned i = 0; i < mail->count; i++) {
        int class = mail->recipients[i].answer.enhanced[0];
        metric_add(class == 2 ? &taken_total : class == 5 ? &never_total : &later_total, 1);
    }
}

error remote_send(struct remote *remote, struct remote_mail *mail, struct arena *arena)
{
    struct transaction t = {.remote = remote, .mail = mail, .arena = arena};
    struct remote_answer answer;
    for (unsigned i = 0; i < mail->count; i++)
        mail->recipients[i].answer = (struct remote_answer){0};
    mail->heard = false;
    mail->dsn_passed = remote->offer.extensions & SMTP_OFFERS_DSN;
    mail->by_passed = remote_command_says_by(remote, mail);
    mail->chunking = REMOTE_CHUNKING_UNUSED;
    t.recipients = ARENA_ARRAY(arena, struct remote_recipient *, mail->count);
    t.taken = ARENA_ARRAY(arena, bool, mail->count);
    error problem = remote_body_init(&t.body, remote, mail, &answer);
    if (!failed(problem) && (!t.recipients || !t.taken)) {
        remote_body_close(&t.body);
        problem = error_make(ERROR_LIMIT, "out of memory for this task");
        answer = remote_answer_own(4, 3, 1, problem.text);
    }
    if (failed(problem)) {
        settle(mail, answer); /* the connection is as good as before */
    } else {
        remote_command_refuse(remote, mail);
        problem = run(&t);
        remote_body_close(&t.body);
    }
    count_results(mail);
    return remote->broken ? problem : OK;
}
