#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the operator sees while the server runs: HTTP/1.1 (RFC 9112) with keep-alive on a loopback
 * address or a Unix socket, or anywhere with a token.
 *
 *     GET  /                       a page with live charts
 *     GET  /health                 200 "ok", 503 "stopping": open to everyone who can connect
 *     GET  /metrics                Prometheus text
 *     GET  /stats                  JSON: cores, memory, counters, latencies by protocol
 *     GET  /sessions               JSON: who is connected, doing what
 *     GET  /config                 JSON: every setting, its value, default, range and help
 *     PATCH /config                settings in the file's language; those that are reloadable
 *     POST /reload                 as SIGHUP
 *     GET  /events                 server-sent events as they happen (transport/event_sink.h);
 *                                  ?types=mail.bounced,mail.deferred
 *     POST /directory/invalidate   ?subject=user@example.org, @example.org, or all
 *     GET  /queue                  JSON: the queue in numbers, and by site
 *     GET  /queue/mails            JSON: a page of mails; ?after= &limit=, and what is meant:
 *                                  &sender= &recipient= &domain= &site= &state= &older= &held=1
 * &id= GET  /queue/sites            JSON: destinations with what waits for them; ?limit= GET
 * /queue/mail             ?id=: header and body as they would be sent POST /queue/flush (also hold,
 * release, delete, bounce) for such a selection, or ?all=1; {"mails": how many}
 *     POST /spam/check             a message; ?from= &rcpt= &ip= &helo=: what would become of it,
 * and why
 *
 * Each connection is a fiber on the core that accepted it. Bounds: admin_limits.
 */
#include "base/buffer.h"
#include "base/error.h"
#include "base/slice.h"
#include "net/listener.h"

struct stream;

enum admin_limits {
    ADMIN_HEAD_SIZE_MAX = 64 << 10,   /* bytes of a request's head */
    ADMIN_BODY_SIZE_MAX = 8 << 20,    /* of a request's body */
    ADMIN_ANSWER_SIZE_MAX = 64 << 20, /* of an answer */
    ADMIN_MEMORY_MAX = 16 << 20,      /* of one request beside its answer */
    ADMIN_REQUESTS_MAX = 10000,       /* of one connection; then it is made anew */
    ADMIN_IDLE_TIMEOUT_S = 300,
    ADMIN_REQUEST_TIMEOUT_S = 30,
};

/* What the admin service may ask of the program that runs it. All WAIT. */
struct admin_options {
    slice token; /* borrowed; empty: none is asked for */
    const char *version;
    slice hostname; /* as the server calls itself; borrowed */
    instant started_at;
    /* The whole configuration as JSON. */
    error (*config_write)(void *argument, struct buffer *out);
    /* Applies settings (format/ucl text). ERROR_MALFORMED with lines in `problems`. */
    error (*config_change)(void *argument, slice text, struct buffer *problems);
    /* Reads file and certificates again. ERROR_MALFORMED with lines in `problems`. */
    error (*reload)(void *argument, struct buffer *problems);
    void *argument;
};

/* listener_options.serve; the argument is a struct admin_options that outlives it. */
void admin_serve(struct stream **stream, void *argument);
slice admin_refusal(enum listener_refusal reason, void *argument);
