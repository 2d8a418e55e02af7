/* SPDX-License-Identifier: GPL-3.0-or-later
 * BDAT (RFC 3030): the message in chunks of known size. Whatever is wrong, the chunk is read, so
 * that both sides stay in step.
 */
#include "service/smtp/answer.h"
#include "service/smtp/command.h"
#include "service/smtp/receive.h"

static enum smtp_reply check(const struct smtp_session *s, uint64_t size)
{
    const struct smtp_transaction *t = &s->transaction;
    if (s->helo_size == 0)
        return SMTP_REPLY_HELO_FIRST;
    if (!t->open)
        return SMTP_REPLY_MAIL_FIRST;
    if (t->failed)
        return SMTP_REPLY_TRANSACTION_FAILED;
    if (t->recipient_count == 0)
        return t->recipients_refused ? SMTP_REPLY_NO_VALID_RECIPIENTS : SMTP_REPLY_RCPT_FIRST;
    if (size > s->settings->size_max - t->body.size)
        return SMTP_REPLY_MAIL_TOO_LARGE;
    return SMTP_REPLY_NONE;
}

/* WAITS. Reads the chunk and refuses it; with the last one the transaction ends. */
static error refuse(struct smtp_session *s, const struct smtp_bdat *bdat, enum smtp_reply reply)
{
    struct smtp_transaction *t = &s->transaction;
    if (bdat->size > SMTP_BDAT_SKIP_MAX)
        smtp_session_finish(s, "refused chunk too large to be read");
    else
        TRY(stream_skip(s->stream, bdat->size, time_after(s->settings->message_timeout)));
    if (t->open && !bdat->last) {
        body_close(&t->body);
        t->failed = true;
        t->chunking = true;
    } else {
        smtp_transaction_reset(t);
    }
    return smtp_answer(s, reply);
}

error smtp_command_bdat(struct smtp_session *s, const struct smtp_command *command)
{
    const struct smtp_bdat *bdat = &command->bdat;
    struct smtp_transaction *t = &s->transaction;
    enum smtp_reply reply = check(s, bdat->size);
    if (reply != SMTP_REPLY_NONE)
        return refuse(s, bdat, reply);
    s->base.state = "data";
    if (!t->chunking)
        body_init(&t->body, s->settings->size_max);
    t->body.size_expected = t->mail.size;
    t->chunking = true;
    error problem =
        stream_read_body(s->stream, &t->body, bdat->size, time_after(s->settings->message_timeout));
    if (problem.kind == ERROR_LIMIT) { /* read and dropped: the core has no memory for it */
        const struct smtp_bdat nothing_left = {.last = bdat->last};
        return refuse(s, &nothing_left, SMTP_REPLY_OUT_OF_MEMORY);
    }
    if (problem.kind == ERROR_TIMEOUT)
        return smtp_answer(s, SMTP_REPLY_IDLE_TOO_LONG);
    TRY(problem);
    if (bdat->last)
        return smtp_receive(s);
    return smtp_answer(s, SMTP_REPLY_CHUNK_OK);
}
