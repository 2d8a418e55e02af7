#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One connection of a load test and the drivers that speak its protocol. A client belongs to one
 * fiber.
 */
#include "base/buffer.h"
#include "load/record.h"
#include "load/scenario.h"
#include "net/stream.h"
#include "runtime/body.h"

enum {
    LOAD_LINE_SIZE_MAX = 64 * 1024,
    LOAD_REPLY_LINES_MAX = 1000000, /* of one command: a FETCH of a large mailbox */
    LOAD_COMMAND_TIMEOUT_S = 120,
};

struct load_run; /* load/run.h */
struct tls_client;

struct load_client {
    const struct load_flow *flow;
    struct load_run *run;
    struct load_tally *tally; /* of this flow on this core */
    struct stream *stream;    /* NULL: not connected */
    uint64_t number;          /* of the connection, over all cores: chooses user and TLS */
    uint64_t tag;             /* IMAP */
    bool says_size;           /* SMTP: the server offers SIZE */
    struct buffer scratch;
    struct body letter;              /* what was fetched */
    char failure[LOAD_FAILURE_SIZE]; /* why the last call failed, in the server's words; empty: the
                                        error's own */
};

struct load_driver {
    /* WAITS. On a connected client (implicit TLS done): greeting, STARTTLS, login. */
    error (*open)(struct load_client *client);
    /* WAITS. One operation. */
    error (*operate)(struct load_client *client, uint64_t *out_bytes);
    /* WAITS. A polite end. */
    error (*quit)(struct load_client *client);
};
extern const struct load_driver load_smtp_driver, load_imap_driver, load_pop3_driver;
const struct load_driver *load_driver_of(enum load_protocol protocol);

/* WAITS. Connects and does implicit TLS. */
error load_client_connect(struct load_client *client);
bool load_client_uses_tls(const struct load_client *client);
/* WAITS. After STARTTLS or its like was accepted. */
error load_client_start_tls(struct load_client *client);
/* WAITS where not aborted. */
void load_client_disconnect(struct load_client *client, bool abort);
instant load_client_deadline(void);
/* Remembers the server's words and returns ERROR_PERMANENT. */
error load_client_refused(struct load_client *client, slice reply);
/* Adds to the phase's histogram: from `begin` to now, which it returns. */
instant load_client_phase(struct load_client *client, const char *label, instant begin);
/* The address this client logs in with. */
slice load_client_user(const struct load_client *client, char room[128]);
