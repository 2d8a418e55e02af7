#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the sessions of users have in common, whatever they speak (POP3, IMAP, ManageSieve):
 * commands are taken and answered over one stream; once a stranger's password was right (login.h)
 * the session moves to the home core of the account, where it calls the store directly. The struct
 * is embedded in the protocol's session. Owned by one fiber; it changes core only between a
 * password and its answer, when all it holds is its stream, the command and the account's key.
 * While it waits for a command it holds no buffers and no arena. Bounds: struct user_protocol.
 */
#include "base/arena.h"
#include "base/buffer.h"
#include "base/log.h"
#include "base/metric.h"
#include "data/store/store.h"
#include "net/stream.h"
#include "runtime/message.h"
#include "service/login/settings.h"
#include "service/session.h"

struct directory_account;
struct tls_server;
struct user_session;

/* The state all begin in; a protocol's tables of commands have more, one bit each. */
enum { USER_STRANGER = 1 << 0 };

/* What is a protocol's own; constant. */
struct user_protocol {
    const char *name;          /* "pop3": in the register and the log; of its fibers */
    const char *event;         /* "pop3.session": the one line that a session leaves */
    const char *trouble_event; /* "pop3.command": one for each that failed by trouble of ours */
    size_t arena_size_max;
    size_t output_size_max;
    int64_t command_timeout; /* to send the rest of a command once it began */
    uint32_t commands_before_login_max, bad_commands_max; /* bad: in a row */
    struct metric *sessions, *sessions_open, *moves, *commands;
    struct metric *failed; /* commands, by trouble of ours */

    error (*greet)(struct user_session *base); /* WAITS */
    /* WAITS. Receives one command (user_count_command), runs it, and has it answered (user_answer).
     */
    error (*serve_command)(struct user_session *base);
    /* Writes the reply to the present command. */
    void (*answer)(struct user_session *base, error outcome);
    /* Writes the last words; later: coming back is worth it. */
    void (*say_goodbye)(struct user_session *base, slice text, bool later);
    const char *(*command_name)(const struct user_session *base); /* static */
    /* WAITS. SASL: sends a challenge and reads the response, which may be overwritten. */
    error (*ask)(struct user_session *base, slice challenge, slice *out_response);
    /* Password or client were refused: finished where that was once too often. Returns the error to
     * be answered. */
    error (*refuse)(struct user_session *base, error problem);
    /* NULL: nothing but the account's key. Keeps what must outlive the command, and the core. */
    error (*remember)(struct user_session *base, const struct directory_account *account);
    /* WAITS. At home: opens what is the account's, sets state and the reply. Undone where it fails:
     * a stranger again. */
    error (*settle)(struct user_session *base);
    void (*rest)(struct user_session *base); /* NULL: no more to give back than arena and output */
    void (*log)(const struct user_session *base, struct log_line *line);
    void (*destroy)(struct user_session *base); /* and frees it */
};

struct user_session {
    struct session session; /* in the register; counts commands */
    const struct user_protocol *protocol;
    struct stream *stream;
    struct tls_server *tls; /* for STARTTLS; NULL: not offered */
    const struct login_settings *login;
    int64_t login_timeout, idle_timeout;
    bool plaintext_login;
    bool finished;  /* after this command the session ends */
    bool answered;  /* the present command was answered already */
    bool moving;    /* the password was right: go home and answer there */
    unsigned state; /* one bit */
    error lost;     /* the connection failed: nothing more can be said */

    struct arena arena; /* what lives as long as the command */
    struct buffer out;  /* written, not yet given to the stream */

    unsigned home;       /* the core to move to, where moving */
    struct message move; /* what carries it */
    char *account_memory;
    struct store_account_key account;     /* id empty: nobody */
    instant stranger_since;               /* connected, or logged out */
    uint32_t stranger_commands;           /* since then */
    uint32_t failed_logins, bad_commands; /* bad: in a row */
};

/* WAITS. A session from greeting to goodbye, or until it moved: then *stream is NULL. Zeroed but
 * for protocol, tls, login and the three settings; destroys it. */
void user_session_serve(struct user_session *s, struct stream **stream);

/* ---- For the protocol. ---- */

/* A command came. */
void user_count_command(struct user_session *s);
/* Of ours, which the client can do nothing about. */
bool user_is_trouble(enum error_kind kind);
/* WAITS. Answers the present command, counts and logs. Returns what ends the session. */
error user_answer(struct user_session *s, error outcome);
/* WAITS. The session ends after these words. */
error user_say_goodbye(struct user_session *s, slice text, bool later);
/* Notes where the connection failed, as opposed to the work: TRY(user_lost(s, stream_...)). */
error user_lost(struct user_session *s, error problem);
/* WAITS where much was written. Gives what is in s->out to the stream. */
error user_send(struct user_session *s);
/* The same once s->out has grown to a size worth sending. */
error user_send_some(struct user_session *s);
/* WAITS. Sends, and reads one line inside a command. Valid until the next read. */
error user_read_line(struct user_session *s, size_t size_max, slice *out_line);
/* When the client must have done the present step. */
instant user_deadline(const struct user_session *s);
/* Whether TLS may begin: ERROR_MALFORMED. */
error user_check_starttls(const struct user_session *s);
/* WAITS. What was written (that TLS may begin) goes out before the handshake, and what the client
 * sent in clear text behind the command is forgotten: nobody can slip commands in ahead of the
 * encryption. */
error user_start_tls(struct user_session *s);
