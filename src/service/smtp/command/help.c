/* SPDX-License-Identifier: GPL-3.0-or-later
 * HELP (RFC 5321 4.1.1.8).
 */
#include "service/smtp/answer.h"
#include "service/smtp/command.h"

error smtp_command_help(struct smtp_session *s, const struct smtp_command *command)
{
    (void)command;
    return smtp_answer(s, SMTP_REPLY_HELP);
}
