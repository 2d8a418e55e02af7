/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/managesieve/command/command.h"
#include "service/managesieve/reply.h"

/* RFC 5804 2.4 */
error managesieve_command_capability(struct managesieve_session *s)
{
    managesieve_write_capabilities(s);
    return OK;
}
