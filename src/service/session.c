/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/session.h"

#include "base/buffer.h"
#include "format/json/write.h"
#include "net/stream.h"
#include "runtime/core.h"
#include "runtime/crew.h"

#include <stdatomic.h>
#include <stdio.h>

static _Thread_local struct list sessions;
static _Thread_local unsigned sessions_count;
static _Thread_local bool must_end;
static _Thread_local struct crew crew;

static error begin_core(void)
{
    list_init(&sessions);
    sessions_count = 0;
    must_end = false;
    crew_init(&crew, NULL);
    return OK;
}

__attribute__((constructor)) static void begin_cores(void)
{
    core_on_start(begin_core, NULL);
}

/* Sessions of tests may have no core under them. */
static struct list *all_sessions(void)
{
    if (!sessions.next)
        list_init(&sessions);
    return &sessions;
}

void session_enter(struct session *session, const char *protocol, struct stream *stream)
{
    static _Atomic uint64_t last_number;
    if (session->number == 0) {
        /* The start's time in the upper half keeps numbers apart between runs. */
        session->number =
            (uint64_t)time_wall_seconds() << 32 |
            (uint32_t)(atomic_fetch_add_explicit(&last_number, 1, memory_order_relaxed) + 1);
        session->since = time_now();
    }
    session->protocol = protocol;
    session->stream = stream;
    if (!session->state)
        session->state = "";
    list_append(all_sessions(), &session->node);
    sessions_count++;
    if (must_end)
        stream_interrupt(stream);
}

void session_leave(struct session *session)
{
    if (!session->node.next || list_is_empty(&session->node))
        return;
    list_remove(&session->node);
    sessions_count--;
}

void session_set_account(struct session *session, slice address)
{
    size_t size = address.size < SESSION_ACCOUNT_SIZE_MAX ? address.size : SESSION_ACCOUNT_SIZE_MAX;
    if (size > 0)
        memcpy(session->account, address.data, size);
    session->account_size = (uint8_t)size;
}

void session_id(const struct session *session, char out_id[SESSION_ID_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    for (int i = 0; i < 16; i++)
        out_id[i] = digits[session->number >> (60 - 4 * i) & 15];
    out_id[16] = '\0';
}

struct crew *session_crew(void)
{
    return &crew;
}

bool session_must_end(void)
{
    return must_end;
}

void session_end_all(void)
{
    must_end = true;
    struct session *session;
    LIST_EACH (all_sessions(), session, node)
        stream_interrupt(session->stream);
}

unsigned session_count(void)
{
    return sessions_count;
}

static void write_one(const struct session *session, struct buffer *out)
{
    char id[SESSION_ID_SIZE], address[ADDRESS_TEXT_SIZE];
    session_id(session, id);
    struct json_writer json;
    json_begin(&json, out);
    json_object_open(&json);
    json_member_string(&json, "id", id);
    json_member_string(&json, "protocol", session->protocol);
    json_member_string(&json, "state", session->state);
    json_member_text(&json, "peer", address_format(stream_peer(session->stream), address));
    json_member_text(&json, "account", slice_of(session->account, session->account_size));
    json_member_flag(&json, "tls", stream_is_tls(session->stream));
    json_member_number(&json, "age_ms", (time_now() - session->since) / TIME_MS);
    json_member_number(&json, "commands", (int64_t)session->commands);
    json_member_number(&json, "bytes_read", (int64_t)stream_bytes_read(session->stream));
    json_member_number(&json, "bytes_written", (int64_t)stream_bytes_written(session->stream));
    json_object_close(&json);
}

void session_write_all(struct buffer *out)
{
    struct session *session;
    LIST_EACH (all_sessions(), session, node) {
        size_t before = out->size;
        write_one(session, out);
        buffer_add_byte(out, '\n');
        if (out->overflow) {
            buffer_truncate(out, before);
            return;
        }
    }
}
