/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/pop3/command/command.h"

/* RFC 1939 5: marked only. Nothing is written anywhere before QUIT. */
error pop3_command_dele(struct pop3_session *s)
{
    struct pop3_mail *mail;
    TRY(pop3_maildrop_find(&s->drop, s->command.numbers[0], &mail));
    pop3_maildrop_delete(&s->drop, mail);
    return OK;
}
