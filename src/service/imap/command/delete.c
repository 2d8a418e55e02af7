/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/imap/command/command.h"

/* RFC 3501 6.3.4. Where it is selected here, nothing is selected afterwards. */
error imap_command_delete(struct imap_session *s)
{
    slice name;
    TRY(imap_command_take_mailbox(s, &name));
    TRY(mailbox_delete(s->account, name));
    if (s->base.state == IMAP_STATE_SELECTED && mailbox_is_gone(s->view.mailbox)) {
        imap_view_close(&s->view);
        s->base.state = IMAP_STATE_LOGGED_IN;
    }
    return OK;
}
