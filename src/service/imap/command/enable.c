/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/imap/token.h"
#include "service/imap/command/command.h"

/* RFC 5161: names what was enabled of what was asked for; so far there is nothing to enable. */
error imap_command_enable(struct imap_session *s)
{
    struct cursor *c = &s->command.arguments;
    slice name;
    TRY(imap_take_space(c));
    do
        TRY(imap_take_atom(c, &name));
    while (cursor_take_byte(c, ' '));
    TRY(imap_take_end(c));
    buffer_add(&s->base.out, SLICE("* ENABLED\r\n"));
    return OK;
}
