/* SPDX-License-Identifier: GPL-3.0-or-later
 * VRFY (RFC 5321 4.1.1.6): tells nothing about who exists (7.3).
 */
#include "service/smtp/answer.h"
#include "service/smtp/command.h"

error smtp_command_vrfy(struct smtp_session *s, const struct smtp_command *command)
{
    (void)command;
    return smtp_answer(s, SMTP_REPLY_CANNOT_VERIFY);
}
