/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runtime/core.h"
#include "runtime/message.h"
#include "service/admin/exchange.h"
#include "service/session.h"

enum { CORE_ANSWER_SIZE_MAX = 8 << 20 };

/* On each core: its sessions, a JSON object a line. */
static error gather(void *argument)
{
    struct buffer *parts = argument;
    session_write_all(&parts[core_self()]);
    return OK;
}

error admin_sessions(struct admin_exchange *exchange)
{
    struct buffer *parts = ARENA_ARRAY(exchange->arena, struct buffer, core_count());
    TRY_MEMORY(parts);
    for (unsigned i = 0; i < core_count(); i++)
        buffer_init(&parts[i], CORE_ANSWER_SIZE_MAX);
    error problem = core_broadcast(gather, parts);
    struct buffer *out = exchange->answer;
    bool more = false;
    buffer_add_string(out, "{\"sessions\":[");
    for (unsigned i = 0; i < core_count(); i++) {
        slice rest = buffer_slice(&parts[i]), line;
        while (rest.size > 0) {
            slice_cut(rest, '\n', &line, &rest);
            buffer_add_string(out, more ? ",\n" : "\n");
            buffer_add(out, line);
            more = true;
        }
        buffer_close(&parts[i]);
    }
    buffer_add_string(out, "]}\n");
    return problem;
}
