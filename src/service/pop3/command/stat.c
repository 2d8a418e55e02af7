/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/pop3/command/command.h"

/* RFC 1939 5: without those that are marked. */
error pop3_command_stat(struct pop3_session *s)
{
    return arena_format(&s->base.arena, &s->reply.text, "%u %llu", s->drop.count - s->drop.deleted,
                        (unsigned long long)s->drop.size);
}
