/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/smtp/answer.h"

#include "base/metric.h"
#include "service/smtp/session.h"

#include <errno.h>

METRIC_COUNTER(replies_ok, "ringmail_smtp_replies_total", "class=\"2xx\"", "Replies by class");
METRIC_COUNTER(replies_later, "ringmail_smtp_replies_total", "class=\"4xx\"", "Replies by class");
METRIC_COUNTER(replies_refused, "ringmail_smtp_replies_total", "class=\"5xx\"", "Replies by class");
METRIC_COUNTER(limits_met, "ringmail_smtp_limits_met_total", "", "Limits of a session met");

static void count(struct smtp_session *session, int code)
{
    if (code < 400) {
        metric_add(&replies_ok, 1);
        return;
    }
    metric_add(code < 500 ? &replies_later : &replies_refused, 1);
    session->errors += code >= 500;
}

static bool is_limit(enum smtp_reply reply)
{
    switch (reply) {
    case SMTP_REPLY_TOO_MANY_ERRORS:
    case SMTP_REPLY_TOO_MANY_COMMANDS:
    case SMTP_REPLY_TOO_MANY_TRANSACTIONS:
    case SMTP_REPLY_TOO_MANY_RECIPIENTS:
    case SMTP_REPLY_LINE_TOO_LONG:
    case SMTP_REPLY_MAIL_TOO_LARGE:
    case SMTP_REPLY_MAIL_LOOP:
    case SMTP_REPLY_OUT_OF_MEMORY:
    case SMTP_REPLY_SENDING_LIMIT:
    case SMTP_REPLY_SENDING_LIMIT_NEVER:
    case SMTP_REPLY_TOO_MANY_LOGINS:
    case SMTP_REPLY_RESPONSE_TOO_LONG:
    case SMTP_REPLY_HEADER_TOO_LARGE:
        return true;
    default:
        return false;
    }
}

static error write_reply(struct smtp_session *session, int code, const struct buffer *buffer)
{
    count(session, code);
    TRY(buffer_check(buffer));
    return stream_write(session->stream, buffer_slice(buffer));
}

error smtp_answer_text(struct smtp_session *session, enum smtp_reply reply, slice text)
{
    struct buffer buffer;
    buffer_init(&buffer, SMTP_REPLY_SIZE_MAX);
    smtp_reply_text(&buffer, reply, text);
    if (is_limit(reply))
        metric_add(&limits_met, 1);
    error problem = write_reply(session, smtp_reply_row(reply)->code, &buffer);
    buffer_close(&buffer);
    TRY(problem);
    if (smtp_reply_row(reply)->code == 421 && !session->finished)
        smtp_session_finish(session, smtp_reply_row(reply)->text);
    if (!session->finished &&
        (session->errors > session->settings->errors_max ||
         session->unknown_recipients > session->settings->unknown_recipients_max))
        return smtp_answer(session, SMTP_REPLY_TOO_MANY_ERRORS);
    return OK;
}

error smtp_answer(struct smtp_session *session, enum smtp_reply reply)
{
    if (reply == SMTP_REPLY_NONE)
        return OK;
    return smtp_answer_text(session, reply, slice_from_string(smtp_reply_row(reply)->text));
}

error smtp_answer_lines(struct smtp_session *session, int code, const char *enhanced, slice lines)
{
    struct buffer buffer;
    buffer_init(&buffer, SMTP_REPLY_SIZE_MAX);
    smtp_reply_lines(&buffer, code, enhanced, lines);
    error problem = write_reply(session, code, &buffer);
    buffer_close(&buffer);
    return problem;
}

enum smtp_reply smtp_reply_for_directory(error problem)
{
    switch (problem.kind) {
    case ERROR_NONE:
        return SMTP_REPLY_NONE;
    case ERROR_MALFORMED: /* an address that no directory could hold */
        return SMTP_REPLY_BAD_RECIPIENT_ADDRESS;
    case ERROR_LIMIT:
        return SMTP_REPLY_OUT_OF_MEMORY;
    default:
        return SMTP_REPLY_DIRECTORY_TROUBLE;
    }
}

enum smtp_reply smtp_reply_for_store(error problem)
{
    switch (problem.kind) {
    case ERROR_NONE:
        return SMTP_REPLY_NONE;
    case ERROR_LIMIT:
        return SMTP_REPLY_MAILBOX_FULL;
    default:
        return problem.os == ENOSPC || problem.os == EDQUOT ? SMTP_REPLY_DISK_FULL
                                                            : SMTP_REPLY_STORE_TROUBLE;
    }
}

enum smtp_reply smtp_reply_for_queue(error problem)
{
    switch (problem.kind) {
    case ERROR_NONE:
        return SMTP_REPLY_NONE;
    case ERROR_BUSY:
        return SMTP_REPLY_QUEUE_FULL;
    case ERROR_LIMIT: /* of one mail's envelope: fewer recipients will pass */
        return SMTP_REPLY_TOO_MANY_RECIPIENTS;
    default:
        return problem.os == ENOSPC || problem.os == EDQUOT ? SMTP_REPLY_DISK_FULL
                                                            : SMTP_REPLY_QUEUE_TROUBLE;
    }
}

enum smtp_reply smtp_reply_for_memory(error problem)
{
    return failed(problem) ? SMTP_REPLY_OUT_OF_MEMORY : SMTP_REPLY_NONE;
}
