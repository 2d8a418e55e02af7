/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/managesieve/command/command.h"

/* RFC 5804 2.7 */
error managesieve_command_listscripts(struct managesieve_session *s)
{
    const struct script_entry *entries;
    size_t count;
    TRY(script_list(&s->place, &s->base.arena, &entries, &count));
    for (size_t i = 0; i < count; i++) {
        managesieve_write_string(entries[i].name, &s->base.out);
        buffer_add(&s->base.out, entries[i].active ? SLICE(" ACTIVE\r\n") : SLICE("\r\n"));
    }
    return OK;
}
