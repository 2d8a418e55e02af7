/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/imap/token.h"
#include "service/imap/command/command.h"
#include "service/imap/reply.h"

/* RFC 3501 6.2.1 */
error imap_command_starttls(struct imap_session *s)
{
    TRY(imap_take_end(&s->command.arguments));
    TRY(user_check_starttls(&s->base));
    imap_say(s, s->command.tag,
             (struct imap_response){.kind = IMAP_OK, .text = SLICE("begin TLS now")});
    s->base.answered = true;
    return user_start_tls(&s->base);
}
