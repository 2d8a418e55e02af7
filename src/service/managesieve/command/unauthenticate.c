/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/managesieve/command/command.h"
#include "service/managesieve/login.h"

/* RFC 5804 2.14.1 */
error managesieve_command_unauthenticate(struct managesieve_session *s)
{
    managesieve_session_log_out(s);
    return OK;
}
