/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/managesieve/command/command.h"

/* RFC 5804 2.13: a client finds its place again by the tag. */
error managesieve_command_noop(struct managesieve_session *s)
{
    if (s->command.count > 0) {
        s->response.code = MANAGESIEVE_CODE_TAG;
        s->response.argument = s->command.strings[0];
        if (!s->response.argument.data)
            s->response.argument = SLICE("");
    }
    return OK;
}
