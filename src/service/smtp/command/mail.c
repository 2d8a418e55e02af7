/* SPDX-License-Identifier: GPL-3.0-or-later
 * MAIL (RFC 5321 4.1.1.2): opens a transaction.
 */
#include "service/smtp/answer.h"
#include "service/smtp/command.h"

error smtp_command_mail(struct smtp_session *s, const struct smtp_command *command)
{
    const struct smtp_mail *mail = &command->mail;
    if (s->transaction.open)
        return smtp_answer(s, SMTP_REPLY_NESTED_MAIL);
    if (s->transactions >= s->settings->transactions_max)
        return smtp_answer(s, SMTP_REPLY_TOO_MANY_TRANSACTIONS);
    if (mail->size > s->settings->size_max) /* RFC 1870 6.1 */
        return smtp_answer(s, SMTP_REPLY_MAIL_TOO_LARGE);
    error problem = smtp_transaction_begin(&s->transaction, mail);
    if (failed(problem)) {
        smtp_transaction_reset(&s->transaction);
        return smtp_answer(s, smtp_reply_for_memory(problem));
    }
    s->transactions++;
    return smtp_answer(s, SMTP_REPLY_SENDER_OK);
}
