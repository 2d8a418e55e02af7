#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Items of one domain that became due together, the look-up they share, and the route found for
 * them. Made on the owner core; moves, with the items, to the core of the site, which keeps it for
 * as long as a connection or the site itself goes by its route.
 */
#include "runtime/message.h"
#include "transport/queue/mail.h"
#include "transport/route/route.h"

struct queue_way {
    struct message message;
    struct list node;  /* waits for a fiber to look it up */
    struct list items; /* by item->node */
    struct route_request request;
    struct arena arena; /* of the route */
    struct route route;
    slice site; /* the route's, apart for mail that requires TLS: its connections are others */
    unsigned references; /* on the site's core */
    slice key;           /* domain and manner */
    char key_text[];
};

void queue_way_unref(struct queue_way **way);
/* The name of the site that a route makes for those who asked so. */
error queue_way_site(const struct route_request *request, const struct route *route,
                     struct arena *arena, slice *out_site);
