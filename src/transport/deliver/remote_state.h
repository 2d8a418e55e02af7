#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a remote is made of: for the files remote_*.c only. Owned by one fiber.
 */
#include "base/arena.h"
#include "format/smtp/offer.h"
#include "format/smtp/response.h"
#include "net/stream.h"
#include "transport/deliver/remote.h"
#include "transport/deliver/settings.h"

enum remote_tls_level {
    REMOTE_TLS_CLEAR,
    REMOTE_TLS_MAY,
    REMOTE_TLS_ENCRYPT, /* or not at all */
    REMOTE_TLS_VERIFY,  /* by authorities, for the host's name */
    REMOTE_TLS_DANE,    /* by TLSA records */
};

/* What is asked of the host at hand. */
struct remote_tls_plan {
    enum remote_tls_level level;
    bool testing;   /* verify for the report, deliver anyway */
    bool unnamed;   /* by its MTA-STS policy it should not be a host of the domain */
    slice names[3]; /* whose the certificate may be */
    unsigned name_count;
    const struct dns_record *records; /* TLSA; also where none is usable */
    unsigned record_count;
    slice policy_text; /* the records, for reports */
};

struct remote {
    struct arena arena; /* as long as the connection */
    const struct route *route;
    const struct remote_settings *settings;
    slice hostname;
    struct stream *stream;
    slice name;      /* of the host; empty where only its address is known */
    slice host;      /* "mx.example.org[192.0.2.1]:25" */
    slice tls;       /* in words */
    bool verified;   /* the certificate is the host's, by PKIX or DANE */
    bool tls_failed; /* the handshake, or the reply to STARTTLS */
    struct remote_tls_plan plan;
    bool require_tls;
    bool hand_over;   /* to a mailbox server of this machine: see remote_tls_plan */
    bool no_chunking; /* BDAT is known not to work */
    struct smtp_offer offer;
    struct smtp_response response;
    struct buffer line; /* the command being made */
    unsigned mails;
    bool reset_first; /* a transaction was left open */
    bool broken;      /* nothing may be said any more */
};

/* Where in the dialogue something was said or went wrong: decides the status it gets. */
enum remote_stage {
    REMOTE_STAGE_ROUTE,
    REMOTE_STAGE_CONNECT,
    REMOTE_STAGE_GREETING,
    REMOTE_STAGE_HELO,
    REMOTE_STAGE_TLS,
    REMOTE_STAGE_AUTH,
    REMOTE_STAGE_MAIL,
    REMOTE_STAGE_RCPT,
    REMOTE_STAGE_DATA,  /* the answer to DATA, or sending the message */
    REMOTE_STAGE_FINAL, /* the answer to the message */
};

/* ---- remote_reply.c ---- */

/* WAITS, `timeout` in all: one whole reply into remote->response. Any error leaves the remote
 * broken: ERROR_TIMEOUT, ERROR_CLOSED, ERROR_MALFORMED, ERROR_LIMIT. After 421 the remote is
 * broken, too, but the reply is a reply. */
error remote_read_reply(struct remote *remote, int64_t timeout);
/* Ends the use of the connection and gives the error back. */
error remote_break(struct remote *remote, error problem);
/* ERROR_MALFORMED, and broken, where input waits though nothing was asked: replies would be taken
 * for those of later commands. */
error remote_check_step(struct remote *remote);
/* What remote->response says, in the arena. */
struct remote_answer remote_answer_of(const struct remote *remote, enum remote_stage stage,
                                      struct arena *arena);
/* The same for what no server said. enhanced[0] 0: by stage and problem. */
struct remote_answer remote_answer_problem(enum remote_stage stage, error problem);
/* A refusal of our own: ERROR_PERMANENT for 5, else ERROR_TEMPORARY. */
struct remote_answer remote_answer_own(int class, int subject, int detail, const char *text);
/* RFC 3463 for a reply that has no status of its own. */
void remote_derive_status(enum remote_stage stage, int code, int out_enhanced[3]);

/* WAITS, quit_timeout at most. */
void remote_say_quit(struct remote *remote);

/* ---- remote_greet.c ---- */

/* WAITS. From a connected stream to one ready for mail: greeting, EHLO, TLS, login. */
error remote_greet(struct remote *remote, struct arena *arena, struct remote_answer *out_answer);
