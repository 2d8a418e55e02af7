#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One connection of a site: its fiber and what it holds. On the site's core.
 */
#include "transport/deliver/remote.h"
#include "transport/queue/site.h"

enum { CONNECTION_ARENA_SIZE_MAX = 1 << 20 };

struct connection {
    struct site *site;
    struct fiber *fiber;
    struct list node; /* in site->idle */
    struct list idle; /* in sites.idle */
    bool called;      /* idle no more: there is work */
    bool dismissed;   /* idle no more: its place is wanted */
    unsigned turn;    /* items since it began */
    struct queue_way *way;
    struct arena arena; /* of the connection */
    struct remote *remote;
    bool broken; /* open still, but of no use */
};

/* WAITS. The answer's text lives until connection_shut. */
error connection_open(struct connection *c, struct remote_answer *out_answer);
/* It failed amid a mail: it does not count among the site's established ones any more. */
void connection_break(struct connection *c);
/* WAITS, shortly. Harmless where it is not open. */
void connection_shut(struct connection *c);
