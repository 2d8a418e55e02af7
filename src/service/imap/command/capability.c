/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/imap/token.h"
#include "service/imap/command/command.h"
#include "service/imap/reply.h"

/* RFC 3501 6.1.1 */
error imap_command_capability(struct imap_session *s)
{
    TRY(imap_take_end(&s->command.arguments));
    buffer_add(&s->base.out, SLICE("* CAPABILITY "));
    buffer_add(&s->base.out, imap_capabilities(s));
    buffer_add(&s->base.out, SLICE("\r\n"));
    return OK;
}
