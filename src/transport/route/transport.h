#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A transport as the configuration or the directory writes it, in the manner of Postfix:
 *
 *     smtp:[192.0.2.1]:25    smtp:[relay.example.net]    brackets: this host, no MX
 *     smtp:example.net       smtp:                       the MX of that domain; of the recipient's
 *     smtps:[relay]:465                                  TLS from the first byte
 *     [relay]:587                                        smtp is meant
 *     lmtp:unix:/run/x       lmtp:host:24                lmtp:[::1]:24
 *     local:                                             into mailboxes here
 *     error:5.7.1 text       retry:4.3.0 text            never; not now
 *
 * and tables of them by domain: "example.net", ".example.net" or "*.example.net" (what lies below),
 * "*" (everybody). The grammar is pure.
 */
#include "base/map.h"
#include "transport/route/route.h"

enum {
    ROUTE_LMTP_PORT = 24,
    ROUTE_SMTPS_PORT = 465,
    ROUTE_TRANSPORT_TEXT_MAX = 300, /* bytes of an error's text that are used */
};

struct route_transport {
    enum route_kind kind;
    bool mx;                /* the hosts are the MX of `host`; empty: of the recipient's domain */
    slice host;             /* in A-labels */
    struct address address; /* an IP or Unix socket in place of a name */
    uint16_t port;          /* 0: the default */
    bool implicit_tls;
    int code, enhanced[3]; /* REFUSE, LATER */
    slice text;
};

/* ERROR_MALFORMED. Views of text, or in the arena. */
error route_transport_parse(slice text, struct arena *arena, struct route_transport *out_transport);

/* By domain; values are the caller's. */
struct route_table {
    struct map exact, below; /* "example.net"; ".example.net" */
    void *any;               /* "*" */
};
void route_table_init(struct route_table *table);
void route_table_close(struct route_table *table);
/* ERROR_MALFORMED where it is no pattern; the key lives in the arena. */
error route_table_add(struct route_table *table, slice pattern, struct arena *arena, void *value);
/* The domain's own, else that of the nearest domain above; not `any`. NULL: none. */
void *route_table_find(const struct route_table *table, slice domain);

/* "example.net=smtp:..." at its first '='; "none", "may", "encrypt", "verify". */
bool route_tls_parse(slice text, enum route_tls *out_tls);
