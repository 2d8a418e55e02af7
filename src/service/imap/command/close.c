/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/imap/token.h"
#include "service/imap/command/command.h"

/* RFC 3501 6.4.2, and RFC 3691 UNSELECT, which leaves deleted messages be. */
error imap_command_close(struct imap_session *s)
{
    TRY(imap_take_end(&s->command.arguments));
    error problem = OK;
    if (s->command.verb == IMAP_CLOSE && !s->view.read_only)
        problem = imap_command_expunge_deleted(s, NULL);
    imap_view_close(&s->view);
    s->base.state = IMAP_STATE_LOGGED_IN;
    return problem;
}
