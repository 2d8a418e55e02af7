/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/imap/command/command.h"
#include "service/imap/reply.h"

/* RFC 3501 6.3.3: a name that ends in the separator says that children will follow; levels need not
 * be made here, so it is just the name. */
error imap_command_create(struct imap_session *s)
{
    slice name;
    TRY(imap_command_take_mailbox(s, &name));
    if (name.size > 1 && name.data[name.size - 1] == STORE_SEPARATOR)
        name.size--;
    error problem = imap_mailbox_is_inbox(name) ? error_make(ERROR_EXISTS, "INBOX is always there")
                                                : mailbox_create(s->account, name);
    /* A well-formed name that the store cannot keep is no error of syntax. */
    return problem.kind == ERROR_MALFORMED
               ? imap_refuse(s, IMAP_CODE_CANNOT, error_make(ERROR_PERMANENT, problem.text))
               : problem;
}
