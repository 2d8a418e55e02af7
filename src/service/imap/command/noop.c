/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/imap/token.h"
#include "service/imap/command/command.h"

/* RFC 3501 6.1.2: a moment to be told what is new, also what another program did in the Maildir. */
error imap_command_noop(struct imap_session *s)
{
    TRY(imap_take_end(&s->command.arguments));
    return s->base.state == IMAP_STATE_SELECTED ? mailbox_sync(s->view.mailbox) : OK;
}
