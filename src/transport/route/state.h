#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the files of src/transport/route share: this core's tables, and the steps of finding a
 * route.
 */
#include "net/dns/addresses.h"
#include "transport/route/settings.h"
#include "transport/route/transport.h"

enum {
    ROUTE_MEMORY_MAX = 4 << 20, /* of the tables, per core */
    ROUTE_LISTENING_MAX = 64,   /* own addresses that are known */
};

struct route_core {
    bool running;
    const struct route_settings *settings;
    slice hostname;
    struct arena arena;
    struct route_table transports, tls; /* values: struct route_transport, enum route_tls */
    struct route_transport *smart_host; /* NULL: none */
    struct address own[ROUTE_LISTENING_MAX];
    unsigned own_count;
};

extern _Thread_local struct route_core route_core;

/* ---- own.c ---- */

/* Where do we listen ourselves: "*:25" is every address of this machine. */
error route_own_find(const struct setting_list *listen, const struct setting_list *more);
bool route_own_is(const struct address *address);

/* ---- mx.c ---- */

/* The hosts that serve a domain by DNS, best first; ROUTE_REFUSE or ROUTE_LATER with its words
 * where there is none. `public_only`: strangers chose them. */
struct route_hosts {
    struct route_host *hosts;
    unsigned count;
};

/* WAITS. Fills in out_route's hosts, or its kind, code and text. */
error route_mx_find(slice domain, uint16_t port, struct arena *arena, instant deadline,
                    struct route *route);

/* A route that is none: kind, code and text. */
void route_refuse(struct route *route, int code, int subject, int detail, const char *text);
void route_delay(struct route *route, int subject, int detail, const char *text);

/* ---- site.c ---- */

error route_site_name(struct route *route, struct arena *arena);
