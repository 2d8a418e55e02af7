/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/pop3/command/command.h"
#include "service/pop3/reply.h"

#include <stdlib.h>

/* RFC 2595 4 */
error pop3_command_stls(struct pop3_session *s)
{
    TRY(user_check_starttls(&s->base));
    free(s->name); /* whoever said it */
    s->name = NULL;
    pop3_say(s, s->reply);
    s->base.answered = true;
    return user_start_tls(&s->base);
}
