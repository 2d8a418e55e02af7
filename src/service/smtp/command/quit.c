/* SPDX-License-Identifier: GPL-3.0-or-later
 * QUIT (RFC 5321 4.1.1.10).
 */
#include "service/smtp/answer.h"
#include "service/smtp/command.h"

error smtp_command_quit(struct smtp_session *s, const struct smtp_command *command)
{
    (void)command;
    smtp_session_finish(s, "quit");
    return smtp_answer(s, SMTP_REPLY_GOODBYE);
}
