#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The register of sessions: who is connected, since when, doing what. It answers /sessions and it
 * is how a server that is about to stop reaches sessions that wait for their next command. Each
 * core registers its own; a session that moves leaves one register and joins the other. The struct
 * is embedded in the protocol's session.
 *
 * The loop of a session that can be stopped gracefully:
 *
 *     error waited = stream_wait_input(stream, deadline);     // idle costs nothing here
 *     if (waited.kind == ERROR_BUSY && session_must_end())
 *         return say_goodbye();                               // 421, * BYE
 *     TRY(stream_read_line(...));
 */
#include "base/error.h"
#include "base/list.h"
#include "base/slice.h"
#include "base/time.h"

struct buffer;
struct crew;
struct stream;

enum {
    SESSION_ACCOUNT_SIZE_MAX = 64, /* bytes shown; longer addresses are cut */
    SESSION_ID_SIZE = 17,          /* 16 hex digits and the NUL */
};

struct session {
    struct list node;
    const char *protocol; /* static: "smtp", "imap" */
    const char *state;    /* static: "greeting", "idle", "data"; the owner sets it freely */
    struct stream *stream;
    instant since;
    uint64_t number; /* unique in this process; shown and logged as 16 hex digits */
    uint64_t commands;
    uint8_t account_size;
    char account[SESSION_ACCOUNT_SIZE_MAX];
};

/* On the core that runs it. A zeroed struct gets its number here; one that had a number (it moved
 * here from another core) keeps it. */
void session_enter(struct session *session, const char *protocol, struct stream *stream);
/* Also before the session moves to another core. Harmless when not entered. */
void session_leave(struct session *session);
/* After a login: copied, cut at SESSION_ACCOUNT_SIZE_MAX. */
void session_set_account(struct session *session, slice address);
/* NUL-terminated hex for logs and Received headers. */
void session_id(const struct session *session, char out_id[SESSION_ID_SIZE]);

/* The crew of this core that sessions belong to: those of its listeners, and those that moved here
 * (start their fibers in it). At shutdown it is joined, then cancelled. */
struct crew *session_crew(void);

/* True once this core is stopping: finish the transaction in hand, begin no new one. */
bool session_must_end(void);
/* On each core at shutdown: from now on session_must_end is true; every session's present or next
 * stream_wait_input ends with ERROR_BUSY. Does not wait. */
void session_end_all(void);
/* Sessions registered on this core. */
unsigned session_count(void);
/* This core's sessions as JSON objects, each followed by a newline; stops at the buffer's maximum.
 */
void session_write_all(struct buffer *out);
