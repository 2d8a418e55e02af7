/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/imap/token.h"
#include "service/imap/command/command.h"
#include "service/imap/reply.h"

/* RFC 3501 6.3.5 */
error imap_command_rename(struct imap_session *s)
{
    struct cursor *c = &s->command.arguments;
    slice from, to;
    TRY(imap_take_space(c));
    TRY(imap_mailbox_parse(c, &s->base.arena, s->name_form, &from));
    TRY(imap_take_space(c));
    TRY(imap_mailbox_parse(c, &s->base.arena, s->name_form, &to));
    TRY(imap_take_end(c));
    if (to.size > 1 && to.data[to.size - 1] == STORE_SEPARATOR)
        to.size--;
    error problem = mailbox_rename(s->account, from, to);
    return problem.kind == ERROR_MALFORMED
               ? imap_refuse(s, IMAP_CODE_CANNOT, error_make(ERROR_PERMANENT, problem.text))
               : problem;
}
