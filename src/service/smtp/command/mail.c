/* SPDX-License-Identifier: GPL-3.0-or-later
 * MAIL (RFC 5321 4.1.1.2): opens a transaction. On submission the sender must be an address of the
 * account (RFC 6409 6.1), and the account must not have sent too much.
 */
#include "service/smtp/answer.h"
#include "service/smtp/command.h"
#include "service/smtp/sending.h"
#include "service/smtp/submitted.h"

/* RFC 4865 4: 501 for what is longer than was offered, or than a deadline leaves. */
static enum smtp_reply check_hold(const struct smtp_session *s, const struct smtp_mail *mail)
{
    int64_t hold = mail->hold_seconds;
    if (mail->hold_until)
        hold = mail->hold_until - time_wall_seconds();
    if (hold > s->settings->hold_max / TIME_S)
        return SMTP_REPLY_HOLD_TOO_LONG;
    bool too_late = mail->deliver_by_mode == 'R' && hold >= mail->deliver_by_seconds;
    return hold > 0 && too_late ? SMTP_REPLY_HOLD_TOO_LONG : SMTP_REPLY_NONE;
}

/* WAITS. */
static enum smtp_reply check_sender(struct smtp_session *s, const struct smtp_mail *mail)
{
    bool allowed;
    if (mail->sender.address.size == 0)
        return s->settings->null_sender == SMTP_NULL_SENDER_REFUSE ? SMTP_REPLY_EMPTY_SENDER
                                                                   : SMTP_REPLY_NONE;
    error problem =
        directory_may_send(directory_here(), s->account, mail->sender.address, &allowed);
    if (failed(problem))
        return smtp_reply_for_directory(problem);
    return allowed ? SMTP_REPLY_NONE : SMTP_REPLY_SENDER_NOT_YOURS;
}

/* WAITS. */
static enum smtp_reply check_submission(struct smtp_session *s, const struct smtp_mail *mail,
                                        unsigned *out_recipients_left)
{
    enum smtp_reply reply = check_hold(s, mail);
    if (reply == SMTP_REPLY_NONE)
        reply = check_sender(s, mail);
    if (reply != SMTP_REPLY_NONE)
        return reply;
    struct smtp_sending answer = smtp_sending_ask(s->account, s->settings);
    *out_recipients_left = answer.left.recipients;
    if (!answer.refused)
        return SMTP_REPLY_NONE;
    smtp_submitted_limit_met(s, mail->sender.address, answer.alert);
    return SMTP_REPLY_SENDING_LIMIT;
}

/* RFC 6710 4.1: a priority that is not granted is lowered, and the client told. */
static error answer_opened(struct smtp_session *s)
{
    struct smtp_mail *mail = &s->transaction.mail;
    if (mail->priority <= (int)s->settings->priority_max)
        return smtp_answer(s, SMTP_REPLY_SENDER_OK);
    slice text;
    mail->priority = (int)s->settings->priority_max;
    TRY(arena_format(&s->command_arena, &text, "%d is the new priority", mail->priority));
    return smtp_answer_text(s, SMTP_REPLY_PRIORITY_CHANGED, text);
}

error smtp_command_mail(struct smtp_session *s, const struct smtp_command *command)
{
    const struct smtp_mail *mail = &command->mail;
    unsigned recipients_left = UINT32_MAX;
    if (s->transaction.open)
        return smtp_answer(s, SMTP_REPLY_NESTED_MAIL);
    if (s->transactions >= s->settings->transactions_max)
        return smtp_answer(s, SMTP_REPLY_TOO_MANY_TRANSACTIONS);
    if (mail->size > s->settings->size_max) /* RFC 1870 6.1 */
        return smtp_answer(s, SMTP_REPLY_MAIL_TOO_LARGE);
    if (smtp_session_is_submission(s)) {
        enum smtp_reply reply = check_submission(s, mail, &recipients_left);
        if (reply != SMTP_REPLY_NONE)
            return smtp_answer(s, reply);
    }
    error problem = smtp_transaction_begin(&s->transaction, mail);
    if (failed(problem)) {
        smtp_transaction_reset(&s->transaction);
        return smtp_answer(s, smtp_reply_for_memory(problem));
    }
    s->transaction.recipients_left = recipients_left;
    s->transactions++;
    return answer_opened(s);
}
