#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One connection to another mail server, as a client of SMTP (RFC 5321) or LMTP (RFC 2033): opened
 * along a route, used for any number of mails, one after another, closed with QUIT. Lives in one
 * fiber of one core. PIPELINING, CHUNKING, SIZE, 8BITMIME (else down-converted), SMTPUTF8, DSN,
 * REQUIRETLS and STARTTLS are used where the server offers them. Timeouts are those of RFC 5321
 * 4.5.3.2. Bounds: remote_limits.
 */
#include "format/smtp/command.h"
#include "transport/deliver/settings.h"
#include "transport/route/route.h"

enum remote_limits {
    REMOTE_LINE_SIZE_MAX = 4096,       /* of a reply; RFC 5321 4.5.3.1.5 says 512 */
    REMOTE_CONNECT_TIMEOUT_S = 30,     /* one address */
    REMOTE_OPEN_TIMEOUT_S = 180,       /* all hosts and addresses of a route */
    REMOTE_RECIPIENTS_MAX = 1000,      /* of one transaction */
    REMOTE_RECIPIENTS_AT_ONCE = 100,   /* RCPTs sent ahead of their replies: those must fit into the
                                          socket's buffer, or both sides wait for each other */
    REMOTE_COMMAND_SIZE_MAX = 8192,    /* of MAIL or RCPT with its parameters */
    REMOTE_TEXT_SIZE_MAX = 1000,       /* kept of a reply's words */
    REMOTE_CONVERSION_EXTRA = 4 << 20, /* bytes: a converted message may be twice as long and
                                          this; as much for its parts meanwhile */
    REMOTE_MEMORY_MAX = 256 << 10,     /* of one connection, beside its stream */
    REMOTE_ADDRESSES_MAX = ROUTE_ADDRESSES_MAX,
};

/* What the server said, or why nothing was heard. */
struct remote_answer {
    error problem;   /* OK: a reply came; else what stopped it: timeout, closed, TLS, DNS */
    int code;        /* 0 without a reply */
    int enhanced[3]; /* the reply's own, or one made from where it failed (4.4.1, 4.7.5 ...) */
    slice text;      /* in the arena of the call */
};

struct remote_options {
    const struct remote_settings *settings;
    slice hostname; /* HELO */
    bool require_tls;
    bool no_chunking; /* this server offers CHUNKING, but its BDAT is known not to work */
};

struct remote;

/* WAITS. On each core before the first remote_open: reads whose certificates other servers may have
 * (PEM file; empty: the system's). Where it was not called, the system's are read when first
 * needed. */
error remote_start(const struct remote_settings *settings, slice authority);
/* For tests: so that remote_start reads another file. No connection may be open. */
void remote_forget_authority(void);

/* WAITS. Tries the route's hosts and their addresses in turn until one greets us and, where the
 * route wants it, TLS stands. On failure out_answer says why: ERROR_TEMPORARY: try later;
 * ERROR_PERMANENT: never, which it is only where every host said 5xx (or has no address): one that
 * was out of reach may still take the mail. ERROR_CANCELLED as it comes. The route is borrowed for
 * the connection's life. */
error remote_open(const struct route *route, const struct remote_options *options,
                  struct arena *arena, struct remote **out_remote,
                  struct remote_answer *out_answer);

/* What became of BDAT (RFC 3030). */
enum remote_chunking {
    REMOTE_CHUNKING_UNUSED,  /* the message went by DATA, or did not go */
    REMOTE_CHUNKING_GOOD,    /* it was answered as the RFC has it */
    REMOTE_CHUNKING_REFUSED, /* by a server that offers it and does not know it: nothing was taken,
                                the connection is broken; the mail is to be sent by DATA */
    REMOTE_CHUNKING_BROKE,   /* no reply came to it, or none that belongs to it */
};

struct remote_recipient {
    slice address;
    unsigned notify; /* passed on where the server offers DSN */
    slice orcpt_type, orcpt_address;
    struct remote_answer answer; /* result; code 2xx: taken */
};

struct remote_mail {
    slice sender;
    slice prefix, body; /* the message: header fields to put before, and the rest; CRLF */
    enum smtp_body body_type;
    bool utf8;
    bool require_tls;
    enum smtp_return ret;
    slice envid;
    int priority;       /* passed on where MT-PRIORITY is offered */
    int64_t deliver_by; /* seconds left, passed on where DELIVERBY is offered; 0: none */
    char deliver_by_mode;
    bool deliver_by_trace;
    struct remote_recipient *recipients;
    unsigned count;
    bool dsn_passed;               /* result: the server offers DSN and was told what to report */
    bool by_passed;                /* result: the server was told of deliver_by */
    enum remote_chunking chunking; /* result */
    bool heard; /* result: the server was there for this mail: some reply came, or silence past
                   a timeout. Where not, a kept connection was dead and the mail may be sent
                   over another */
};

/* WAITS. One transaction. Every recipient has its answer afterwards. OK: the connection may be used
 * again; an error: it is broken (recipients not decided have that error as their answer: where the
 * final reply was lost, the mail may arrive twice, RFC 1047). Answers live in the arena. */
error remote_send(struct remote *remote, struct remote_mail *mail, struct arena *arena);

/* Whose: host name and address; TLS in words, empty in clear. */
slice remote_host(const struct remote *remote);
slice remote_tls(const struct remote *remote);
/* Transactions so far. */
unsigned remote_mails(const struct remote *remote);
/* The server takes no further mail over this connection (RFC 9422 MAILMAX). */
bool remote_is_used_up(const struct remote *remote);
/* Does not wait: is the connection still there, as far as is known? For one that was idle. */
bool remote_is_alive(const struct remote *remote);
/* WAITS, shortly: QUIT, and close. NULL is fine. */
void remote_close(struct remote **remote);
