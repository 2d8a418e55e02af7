#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The commands of SMTP and LMTP, one line each (RFC 5321 4.1.1, RFC 2033) with the parameters of
 * its extensions: SIZE (1870), 8BITMIME (6152), BINARYMIME and CHUNKING (3030), SMTPUTF8 (6531),
 * DSN (3461), AUTH (4954), STARTTLS (3207), REQUIRETLS (8689), FUTURERELEASE (4865), DELIVERBY
 * (2852), MT-PRIORITY (6710), and XCLIENT as Postfix has it. Pure: nothing here knows a session.
 * Results are views of the line or live in the arena.
 */
#include "base/arena.h"
#include "base/error.h"
#include "format/smtp/path.h"
#include "format/smtp/reply.h"

#define SMTP_VERB_TABLE(X)                                                                         \
    X(HELO)                                                                                        \
    X(EHLO)                                                                                        \
    X(LHLO)                                                                                        \
    X(MAIL)                                                                                        \
    X(RCPT)                                                                                        \
    X(DATA)                                                                                        \
    X(BDAT)                                                                                        \
    X(RSET)                                                                                        \
    X(NOOP)                                                                                        \
    X(VRFY)                                                                                        \
    X(EXPN)                                                                                        \
    X(HELP)                                                                                        \
    X(QUIT)                                                                                        \
    X(STARTTLS)                                                                                    \
    X(AUTH)                                                                                        \
    X(XCLIENT)

enum smtp_verb {
    SMTP_VERB_UNKNOWN,
#define X(name) SMTP_VERB_##name,
    SMTP_VERB_TABLE(X)
#undef X
        SMTP_VERBS
};

/* Which parameters of MAIL and RCPT the server offered; others are refused (555). */
enum smtp_parameter {
    SMTP_PARAMETER_SIZE = 1 << 0,
    SMTP_PARAMETER_BODY = 1 << 1,
    SMTP_PARAMETER_BINARYMIME = 1 << 2, /* BODY=BINARYMIME */
    SMTP_PARAMETER_SMTPUTF8 = 1 << 3,
    SMTP_PARAMETER_DSN = 1 << 4, /* RET, ENVID, NOTIFY, ORCPT */
    SMTP_PARAMETER_AUTH = 1 << 5,
    SMTP_PARAMETER_REQUIRETLS = 1 << 6,
    SMTP_PARAMETER_FUTURERELEASE = 1 << 7, /* HOLDFOR, HOLDUNTIL */
    SMTP_PARAMETER_DELIVERBY = 1 << 8,
    SMTP_PARAMETER_MT_PRIORITY = 1 << 9,
};

enum smtp_body { SMTP_BODY_7BIT, SMTP_BODY_8BITMIME, SMTP_BODY_BINARYMIME };
enum smtp_return { SMTP_RETURN_UNSAID, SMTP_RETURN_FULL, SMTP_RETURN_HEADERS };
enum smtp_notify {
    SMTP_NOTIFY_UNSAID = 0, /* the default: failures, and perhaps delays */
    SMTP_NOTIFY_NEVER = 1 << 0,
    SMTP_NOTIFY_SUCCESS = 1 << 1,
    SMTP_NOTIFY_FAILURE = 1 << 2,
    SMTP_NOTIFY_DELAY = 1 << 3,
};

enum {
    SMTP_HELO_SIZE_MAX = 255,
    SMTP_ENVID_SIZE_MAX = 100,         /* RFC 3461 4.4 */
    SMTP_ORCPT_SIZE_MAX = 500,         /* RFC 3461 4.2 */
    SMTP_MECHANISM_SIZE_MAX = 20,      /* RFC 4422 3.1 */
    SMTP_HOLD_SECONDS_MAX = 999999999, /* RFC 4865 4 */
};

struct smtp_mail {
    struct smtp_path sender;
    uint64_t size; /* 0: not said */
    enum smtp_body body;
    bool utf8; /* SMTPUTF8 */
    enum smtp_return ret;
    slice envid; /* decoded */
    slice auth;  /* decoded; data != NULL and empty for AUTH=<> */
    bool require_tls;
    int64_t hold_seconds; /* HOLDFOR; 0: not said */
    int64_t hold_until;   /* HOLDUNTIL, seconds since 1970; 0: not said */
    bool deliver_by;
    int64_t deliver_by_seconds;
    char deliver_by_mode; /* 'N' or 'R' */
    bool deliver_by_trace;
    int priority; /* -9..9 */
};

struct smtp_rcpt {
    struct smtp_path recipient;
    unsigned notify;     /* enum smtp_notify bits */
    slice orcpt_type;    /* "rfc822", "utf-8" */
    slice orcpt_address; /* decoded */
};

struct smtp_bdat {
    uint64_t size;
    bool last;
};

struct smtp_auth {
    slice mechanism; /* as given */
    slice initial;   /* base64 as given; NULL data: none; "=" is an empty one */
};

struct smtp_xclient {
    slice name, address, port, proto, helo, login, destination_address, destination_port;
};

struct smtp_command {
    enum smtp_verb verb;
    slice argument; /* HELO, EHLO, LHLO: the name; NOOP, VRFY, EXPN, HELP: the text */
    union {
        struct smtp_mail mail;
        struct smtp_rcpt rcpt;
        struct smtp_bdat bdat;
        struct smtp_auth auth;
        struct smtp_xclient xclient;
    };
};

struct smtp_command_options {
    unsigned parameters; /* enum smtp_parameter bits offered to this client */
    bool utf8;           /* RCPT: MAIL said SMTPUTF8 */
};

/* `line` without its CRLF. SMTP_REPLY_NONE: understood; else the reply that refuses it, and
 * out_command->verb is set as far as it was understood. */
enum smtp_reply smtp_command_parse(struct arena *arena, slice line,
                                   const struct smtp_command_options *options,
                                   struct smtp_command *out_command);
/* The verb that begins the line: cheap, for deciding before parsing. */
enum smtp_verb smtp_command_verb(slice line);
const char *smtp_verb_name(enum smtp_verb verb);
