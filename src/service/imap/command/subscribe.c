/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/imap/command/command.h"
#include "service/imap/reply.h"

/* RFC 3501 6.3.6, 6.3.7: the mailbox need not exist. */
error imap_command_subscribe(struct imap_session *s)
{
    slice name;
    TRY(imap_command_take_mailbox(s, &name));
    error problem = mailbox_subscribe(s->account, name, s->command.verb == IMAP_SUBSCRIBE);
    return problem.kind == ERROR_MALFORMED
               ? imap_refuse(s, IMAP_CODE_CANNOT, error_make(ERROR_PERMANENT, problem.text))
               : problem;
}
