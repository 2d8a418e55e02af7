/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/managesieve/command/command.h"

/* RFC 5804 2.11.1: an active script stays active. */
error managesieve_command_renamescript(struct managesieve_session *s)
{
    return script_rename(&s->place, s->command.strings[0], s->command.strings[1]);
}
