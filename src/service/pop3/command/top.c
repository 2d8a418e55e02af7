/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/pop3/command/command.h"

/* RFC 1939 7. Looking at the top is no reading: \Seen stays as it is. */
error pop3_command_top(struct pop3_session *s)
{
    struct pop3_mail *mail;
    TRY(pop3_maildrop_find(&s->drop, s->command.numbers[0], &mail));
    return pop3_command_send_mail(s, mail, s->command.numbers[1]);
}
