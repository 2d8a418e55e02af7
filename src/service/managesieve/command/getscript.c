/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/managesieve/command/command.h"

/* RFC 5804 2.9 */
error managesieve_command_getscript(struct managesieve_session *s)
{
    slice text;
    TRY(script_read(&s->place, s->command.strings[0], &s->base.arena, &text));
    buffer_format(&s->base.out, "{%zu}\r\n", text.size);
    buffer_add(&s->base.out, text);
    buffer_add(&s->base.out, SLICE("\r\n"));
    return OK;
}
