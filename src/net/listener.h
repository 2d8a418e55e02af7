#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One listening address, served on every core. listener_bind runs once, before privileges are
 * dropped and before the cores need it: one socket per core with SO_REUSEPORT, so that the kernel
 * spreads connections; one shared socket where it is Unix or was handed over by systemd. Then every
 * core starts and stops its own share. Each connection becomes a fiber that runs `serve` and then
 * closes the stream.
 *
 * At descriptor exhaustion nothing is lost silently: a descriptor held in reserve is given up to
 * accept, say the refusal and close; where even that fails accepting pauses
 * LISTENER_PAUSE_MS and tries again. Both are counted.
 *
 * Shared between cores are only counters (atomic): connections in all, and per address (IPv6 by
 * /64) in a count-min sketch, which may count an address too high when tens of thousands are
 * connected but never too low.
 */
#include "base/error.h"
#include "net/address.h"
#include "net/stream.h"

#include <sys/types.h>

struct crew;
struct listener;
struct tls_server;

enum {
    LISTENER_PAUSE_MS = 100,
    LISTENER_BACKLOG = 4096,
    LISTENER_PROXY_TIMEOUT_S = 10,
    LISTENER_HANDSHAKE_TIMEOUT_S = 30,
};

enum listener_refusal {
    LISTENER_REFUSE_CONNECTIONS, /* connections_max */
    LISTENER_REFUSE_ADDRESS,     /* per_address_max */
    LISTENER_REFUSE_RESOURCES,   /* no descriptors, no memory, no fibers */
    LISTENER_REFUSE_STOPPING,
};

struct listener_options {
    const char *name;         /* static: fiber name, log lines ("smtp") */
    struct address address;   /* copied, path too */
    mode_t unix_mode;         /* 0: 0666 */
    uint32_t connections_max; /* over all cores; 0: no limit */
    uint32_t per_address_max; /* IP connections; 0: no limit */
    /* Connections from these begin with a PROXY header (net/proxy.h) and count by the address it
     * names; from elsewhere a PROXY header is just bad input. Borrowed; NULL: none. */
    const struct network_list *proxies;
    struct tls_server *tls_implicit; /* handshake before serve; NULL: clear text */
    slice tls_alpn;                  /* borrowed; as stream_start_tls_server */
    /* The session. It may return at any time; the stream is closed after it. A session that moves
     * the stream to another core sets *stream to NULL and has it closed there. */
    void (*serve)(struct stream **stream, void *argument);
    void *argument;
    /* What to say before closing, with its line end; static; may be NULL. Sent in clear text only
     * (nothing is said where TLS is implicit). */
    slice (*refusal)(enum listener_refusal reason, void *argument);
};

/* Binds and listens for `cores` cores. Blocking, on any thread. A socket that systemd handed over
 * (LISTEN_FDS) is used instead where its address is the same. Port 0 picks one. */
error listener_bind(const struct listener_options *options, unsigned cores,
                    struct listener **out_listener);
/* The bound address (the port, where 0 was asked). */
const struct address *listener_address(const struct listener *listener);
/* On each core, in a fiber: accepts from now on; sessions are fibers of `crew`. Cancelling the crew
 * stops accepting and cancels the sessions. */
error listener_start(struct listener *listener, struct crew *crew);
/* On each core, WAITS: accepts no more and refuses what is in the queue; sessions go on. */
void listener_stop(struct listener *listener);
/* After every core stopped and its sessions have ended. Removes the Unix socket's file. NULL is
 * fine. */
void listener_destroy(struct listener **listener);

/* Now open, over all cores. */
uint32_t listener_connections(const struct listener *listener);

/* At start: takes note of descriptors handed over by systemd (LISTEN_PID, LISTEN_FDS) and clears
 * the variables. How many there are. */
unsigned listener_inherit(void);
/* Inherited and not claimed by any listener_bind: their addresses for a warning. False past the
 * end. */
bool listener_inherited_unused(unsigned index, struct address *out_address);
