/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/managesieve/command/command.h"
#include "service/managesieve/script.h"

/* RFC 5804 2.8. A script that another program put there is looked at first: what is active runs. */
error managesieve_command_setactive(struct managesieve_session *s)
{
    slice name = s->command.strings[0], text;
    if (name.size) {
        TRY(script_read(&s->place, name, &s->base.arena, &text));
        TRY(managesieve_script_check(s, text));
    }
    return script_activate(&s->place, name);
}
