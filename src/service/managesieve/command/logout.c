/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/managesieve/command/command.h"

/* RFC 5804 2.3 */
error managesieve_command_logout(struct managesieve_session *s)
{
    s->base.finished = true;
    return OK;
}
