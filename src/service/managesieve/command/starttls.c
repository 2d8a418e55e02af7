/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/managesieve/command/command.h"
#include "service/managesieve/reply.h"

/* RFC 5804 2.2 */
error managesieve_command_starttls(struct managesieve_session *s)
{
    TRY(user_check_starttls(&s->base));
    managesieve_say(s, s->response);
    TRY(user_start_tls(&s->base));
    /* the capabilities follow unasked; the answer ends them */
    managesieve_write_capabilities(s);
    s->response.text = SLICE("TLS is there");
    return OK;
}
