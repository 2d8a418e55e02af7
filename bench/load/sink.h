#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * `ringload sink`: where mail goes that is only there to be counted. An SMTP or LMTP server that
 * accepts everything (or answers as it is told), keeps nothing and copies as little as it can: the
 * chunks of BDAT never leave the kernel, DATA is looked through for its end where the kernel put
 * it. One fiber a connection; each core has its own counts, the main thread adds them up.
 */
#include "base/slice.h"
#include "net/address.h"

#include <stdatomic.h>
#include <stdint.h>

enum sink_stage {
    SINK_CONNECT,
    SINK_HELLO,
    SINK_MAIL,
    SINK_RCPT,
    SINK_DATA, /* the DATA command, and every BDAT but the last */
    SINK_END,  /* the dot, or the last BDAT */
    SINK_STAGES
};

/* What is offered in the reply to EHLO; what is not is refused all the same only where it is a
 * command (BDAT, STARTTLS). */
#define SINK_OFFER_TABLE(X)                                                                        \
    X(PIPELINING, "pipelining", "PIPELINING")                                                      \
    X(SIZE, "size", "SIZE 0")                                                                      \
    X(EIGHTBITMIME, "8bitmime", "8BITMIME")                                                        \
    X(CHUNKING, "chunking", "CHUNKING")                                                            \
    X(SMTPUTF8, "smtputf8", "SMTPUTF8")                                                            \
    X(DSN, "dsn", "DSN")                                                                           \
    X(ENHANCED, "enhancedstatuscodes", "ENHANCEDSTATUSCODES")
enum sink_offer {
#define X(name, word, line) SINK_OFFER_##name,
    SINK_OFFER_TABLE(X)
#undef X
        SINK_OFFERS
};

enum { SINK_LINE_SIZE_MAX = 8192, SINK_REPLY_SIZE_MAX = 400, SINK_RECIPIENTS_MAX = 100000 };

/* How a stage answers where it does not just accept. */
struct sink_behaviour {
    slice reply;    /* "450 4.2.0 later"; empty: accepts. 421 ends the session */
    uint64_t every; /* each so many-th time only; 1: always */
    int64_t delay;  /* ns before the answer */
};

struct sink_options {
    struct address address;
    bool lmtp;
    unsigned offers; /* bits of enum sink_offer */
    struct sink_behaviour stages[SINK_STAGES];
};

/* Written by one core, read by the main thread. */
struct sink_counts {
    _Alignas(64) _Atomic uint64_t connections;
    _Atomic uint64_t open;       /* connections now */
    _Atomic uint64_t messages;   /* accepted */
    _Atomic uint64_t recipients; /* of those */
    _Atomic uint64_t bytes;      /* of those: as they are without dot-stuffing */
    _Atomic uint64_t refused;    /* commands and messages answered by 4xx or 5xx */
    _Atomic uint64_t malformed;  /* messages with a bare CR or LF in DATA: accepted all the same */
    _Atomic uint64_t tls;        /* connections that went over to it */
    uint64_t turn[SINK_STAGES];  /* for `every` */
};

struct stream;
struct tls_server;
/* WAITS. One session to its end. `tls` NULL: no STARTTLS. */
void sink_serve(struct stream *stream, const struct sink_options *options, struct tls_server *tls,
                struct sink_counts *counts);

/* The program; words[0] is "sink". Its exit status. */
int sink_main(int count, char **words);
