#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * MAIL and RCPT as this server understands them: parameters only of what it offers. For the files
 * remote_*.c only.
 */
#include "transport/deliver/remote_body.h"

/* Gives an answer to recipients that cannot be said to this server at all. */
void remote_command_refuse(const struct remote *remote, struct remote_mail *mail);
/* Does MAIL not fit into REMOTE_COMMAND_SIZE_MAX? */
bool remote_command_is_too_long(const struct remote_mail *mail);
/* Is the server told of mail->deliver_by? */
bool remote_command_says_by(const struct remote *remote, const struct remote_mail *mail);
/* Into the stream; may WAIT where its output is full. */
error remote_command_mail(struct remote *remote, const struct remote_mail *mail,
                          const struct remote_body *body);
error remote_command_rcpt(struct remote *remote, const struct remote_recipient *recipient);
