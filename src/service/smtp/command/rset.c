/* SPDX-License-Identifier: GPL-3.0-or-later
 * RSET (RFC 5321 4.1.1.5): forgets the transaction.
 */
#include "service/smtp/answer.h"
#include "service/smtp/command.h"

error smtp_command_rset(struct smtp_session *s, const struct smtp_command *command)
{
    (void)command;
    smtp_transaction_reset(&s->transaction);
    return smtp_answer(s, SMTP_REPLY_RESET);
}
