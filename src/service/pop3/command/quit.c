/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/pop3/command/command.h"
#include "service/pop3/reply.h"

METRIC_COUNTER(pop3_deleted, "ringmail_pop3_deleted_total", "",
               "Messages removed by POP3 sessions that ended with QUIT");

/* RFC 1939 6: the one way into the UPDATE state. +OK is said when the removal is durable; where it
 * fails the session ends all the same, and all that was marked may still be there. */
error pop3_command_quit(struct pop3_session *s)
{
    size_t removed = 0;
    s->base.finished = true;
    if (s->base.state == POP3_STATE_STRANGER)
        return OK;
    error problem = pop3_maildrop_update(&s->drop, &removed);
    s->deleted += (uint32_t)removed;
    metric_add(&pop3_deleted, (int64_t)removed);
    return problem;
}
