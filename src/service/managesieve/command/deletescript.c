/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/managesieve/command/command.h"
#include "service/managesieve/reply.h"

/* RFC 5804 2.10: not the active one. */
error managesieve_command_deletescript(struct managesieve_session *s)
{
    error problem = script_remove(&s->place, s->command.strings[0]);
    return problem.kind == ERROR_BUSY ? managesieve_refuse(s, MANAGESIEVE_CODE_ACTIVE, problem)
                                      : problem;
}
