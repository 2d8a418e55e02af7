/* SPDX-License-Identifier: GPL-3.0-or-later
 * NOOP (RFC 5321 4.1.1.9).
 */
#include "service/smtp/answer.h"
#include "service/smtp/command.h"

error smtp_command_noop(struct smtp_session *s, const struct smtp_command *command)
{
    (void)command;
    return smtp_answer(s, SMTP_REPLY_OK);
}
