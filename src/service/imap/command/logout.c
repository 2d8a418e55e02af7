/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/imap/token.h"
#include "service/imap/command/command.h"
#include "service/imap/reply.h"

/* RFC 3501 6.1.3 */
error imap_command_logout(struct imap_session *s)
{
    TRY(imap_take_end(&s->command.arguments));
    imap_say(s, SLICE_EMPTY,
             (struct imap_response){.kind = IMAP_BYE, .text = SLICE("logging out")});
    s->base.finished = true;
    return OK;
}
