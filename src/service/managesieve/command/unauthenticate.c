/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/managesieve/command/command.h"
#include "service/user/login.h"

/* RFC 5804 2.14.1 */
error managesieve_command_unauthenticate(struct managesieve_session *s)
{
    user_log_out(&s->base);
    s->place = (struct script_place){0}; /* its memory goes with the next, or the session */
    managesieve_session_set_limits(s);
    return OK;
}
