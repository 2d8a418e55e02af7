/* SPDX-License-Identifier: GPL-3.0-or-later
 * DATA (RFC 5321 4.1.1.4): the message up to CRLF.CRLF.
 */
#include "base/metric.h"
#include "service/smtp/answer.h"
#include "service/smtp/command.h"
#include "service/smtp/receive.h"

METRIC_HISTOGRAM(receive_time, "ringmail_smtp_data_seconds", "", "From 354 to the final dot");

/* Input is read a piece at a time, and a piece may end behind the dot line's beginning. */
enum { BODY_SLACK = 64 * 1024 };

static enum smtp_reply reply_to_problem(const struct smtp_session *s, error problem)
{
    if (problem.kind == ERROR_MALFORMED)
        return SMTP_REPLY_BARE_LINE_END;
    if (s->transaction.body.size >= s->settings->size_max)
        return SMTP_REPLY_MAIL_TOO_LARGE;
    return SMTP_REPLY_OUT_OF_MEMORY; /* of this core's bodies */
}

error smtp_command_data(struct smtp_session *s, const struct smtp_command *command)
{
    (void)command;
    struct smtp_transaction *t = &s->transaction;
    if (!t->open)
        return smtp_answer(s, SMTP_REPLY_MAIL_FIRST);
    if (t->recipient_count == 0) /* RFC 5321 3.3: 503, or 554 where all were refused */
        return smtp_answer(s, t->recipients_refused ? SMTP_REPLY_NO_VALID_RECIPIENTS
                                                    : SMTP_REPLY_RCPT_FIRST);
    if (t->mail.body == SMTP_BODY_BINARYMIME) /* RFC 3030 3 */
        return smtp_answer(s, SMTP_REPLY_BINARY_NEEDS_BDAT);
    s->base.state = "data";
    TRY(smtp_answer(s, SMTP_REPLY_SEND_DATA));
    instant began = time_now();
    size_t size_max = s->settings->size_max;
    body_init(&t->body, size_max + BODY_SLACK);
    t->body.size_expected =
        t->mail.size ? t->mail.size + BODY_SLACK / 16 : 0; /* SIZE counts no dots */
    error problem = stream_read_body_dot(s->stream, &t->body, size_max,
                                         time_after(s->settings->message_timeout));
    if (problem.kind == ERROR_TIMEOUT)
        return smtp_answer(s, SMTP_REPLY_IDLE_TOO_LONG);
    if (problem.kind != ERROR_NONE && problem.kind != ERROR_LIMIT &&
        problem.kind != ERROR_MALFORMED)
        return problem;
    metric_observe(&receive_time, (uint64_t)(time_now() - began));
    if (!failed(problem))
        return smtp_receive(s);
    enum smtp_reply reply = reply_to_problem(s, problem);
    if (problem.kind == ERROR_MALFORMED) /* what follows may be a smuggled dialogue */
        smtp_session_finish(s, "bare line end in DATA");
    smtp_transaction_reset(t);
    return smtp_answer(s, reply);
}
