/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/imap/status.h"

#include "service/imap/command/command.h"

/* RFC 3501 6.3.10 */
error imap_command_status(struct imap_session *s)
{
    struct imap_status status;
    TRY(imap_status_parse(&s->command.arguments, &s->base.arena, s->name_form, &status));
    return imap_command_write_status(s, status.mailbox, status.items);
}
