/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/imap/token.h"
#include "service/imap/command/command.h"

/* RFC 2342: only one's own mailboxes, without a prefix. */
error imap_command_namespace(struct imap_session *s)
{
    TRY(imap_take_end(&s->command.arguments));
    buffer_format(&s->base.out, "* NAMESPACE ((\"\" \"%c\")) NIL NIL\r\n", STORE_SEPARATOR);
    return OK;
}
