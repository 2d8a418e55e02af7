/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/imap/command/command.h"

/* RFC 3501 6.3.4. The mailbox may be selected here: then nothing of it is any more. */
error imap_command_delete(struct imap_session *s)
{
    slice name;
    TRY(imap_command_take_mailbox(s, &name));
    if (s->state == IMAP_STATE_SELECTED && slice_equal(mailbox_name(s->view.mailbox), name)) {
        imap_view_close(&s->view);
        s->state = IMAP_STATE_LOGGED_IN;
    }
    return mailbox_delete(s->account, name);
}
