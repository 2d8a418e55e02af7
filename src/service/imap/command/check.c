/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/imap/token.h"
#include "service/imap/command/command.h"

/* RFC 3501 6.4.1: every change is durable as it is answered; what is left is a look around. */
error imap_command_check(struct imap_session *s)
{
    TRY(imap_take_end(&s->command.arguments));
    return mailbox_sync(s->view.mailbox);
}
