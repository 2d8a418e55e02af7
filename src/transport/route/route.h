#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Where mail for a domain goes: the transport table of the directory, our own domains, the smart
 * host, MX records (RFC 5321 5.1, 7505), address literals; and how private the way must be
 * (MTA-STS, RFC 8461; DANE, RFC 7672; REQUIRETLS, RFC 8689). Addresses of hosts are found when they
 * are dialled (transport/deliver/remote.h). Runs on any core; answers come from that core's
 * resolver and caches.
 */
#include "base/arena.h"
#include "base/time.h"
#include "net/address.h"

struct route_settings;
struct setting_list;

enum route_limits {
    ROUTE_HOSTS_MAX = 50,      /* hosts of one route; RFC 5321 asks for two at least */
    ROUTE_ADDRESSES_MAX = 16,  /* tried of one host */
    ROUTE_SITE_SIZE_MAX = 512, /* bytes of a site's name */
};

enum route_kind {
    ROUTE_SMTP,
    ROUTE_LMTP,
    ROUTE_LOCAL,  /* a domain of ours: into mailboxes, aliases followed */
    ROUTE_REFUSE, /* never: code 5xx, status, text (null MX, no such domain, transport "error") */
    ROUTE_LATER,  /* not now: code 4xx (DNS trouble) */
};

enum route_tls {
    ROUTE_TLS_NONE,    /* clear text, as the transport says */
    ROUTE_TLS_MAY,     /* opportunistic: STARTTLS where offered, any certificate, else clear */
    ROUTE_TLS_ENCRYPT, /* TLS or not at all, any certificate */
    ROUTE_TLS_VERIFY,  /* TLS, and the certificate is good for the host's name */
};

struct route_host {
    slice name;             /* for SNI and verification; in A-labels; empty: `address` only */
    struct address address; /* ADDRESS_NONE: look the name up; Unix sockets for LMTP */
    uint16_t port;
    uint16_t preference;
    bool sts_unnamed; /* the policy in testing mode does not name it: a failure to report */
    bool authentic;   /* the name came by DNSSEC: TLSA records may count (RFC 7672 2.2) */
};

struct route {
    enum route_kind kind;
    slice domain; /* asked for: whose policy this is, for reports */
    slice site; /* same for all domains that the same hosts serve in the same manner: one line, one
                   set of connections */
    struct route_host *hosts; /* in the order to try: by preference, shuffled within */
    unsigned host_count;
    enum route_tls tls;
    bool dane;        /* ask for TLSA records of hosts that are authentic */
    bool sts;         /* `tls` comes from an MTA-STS policy (hosts it does not name were dropped) */
    bool sts_testing; /* a policy in testing mode: verify for the report, deliver anyway */
    bool implicit_tls;    /* port 465 of a smart host */
    slice user, password; /* smart host's login; empty: none */
    bool public_only;     /* hosts named by strangers: not at private addresses (route_addresses) */
    int code;             /* REFUSE, LATER */
    int enhanced[3];
    slice text;
};

struct route_request {
    slice domain;      /* A-labels, or an address literal "[192.0.2.1]" */
    bool require_tls;  /* RFC 8689: MX by DNSSEC or MTA-STS, TLS verified, REQUIRETLS offered */
    bool tls_optional; /* TLS-Required: No: ignore MTA-STS and DANE */
};

struct route_options {
    const struct route_settings *settings; /* borrowed for good, as is what follows */
    slice hostname;                        /* ours: an MX of that name is ourselves */
    const struct setting_list *listen;     /* where we take mail: "*:25"; NULL: nowhere */
    slice authority;  /* PEM file: whose certificates policy hosts may have; empty: the system's */
    slice store_path; /* where route.state_path is empty: known policies are kept in its "route";
                         both empty: they do not survive a restart */
};

/* WAITS. On each core, after the resolver; the directory's domains are asked of
 * directory_here(). */
error route_start(const struct route_options *options);
/* WAITS. Harmless where it was not started. */
void route_stop(void);

/* WAITS. OK: a route, which may be REFUSE or LATER. Errors only for what is no answer:
 * ERROR_CANCELLED, ERROR_LIMIT of the arena. The route lives in the arena. */
error route_find(const struct route_request *request, struct arena *arena, instant deadline,
                 struct route *out_route);

/* WAITS. Does a transport table refuse mail for the domain, so that RCPT can say so and nobody gets
 * a bounce? *out_refused: out_route is REFUSE with its words; DNS is not asked. Errors as above. */
error route_refuses(slice domain, struct arena *arena, struct route *out_route, bool *out_refused);

/* WAITS. Where to dial a host of the route, in the order to try, at most ROUTE_ADDRESSES_MAX:
 * looked up, and what must not be dialled left out (private addresses where route->public_only,
 * our own ports). ERROR_NOT_FOUND: no such name, or it has no addresses; ERROR_DENIED: only such as
 * must not be dialled; ERROR_TEMPORARY, ERROR_TIMEOUT: DNS trouble. */
error route_addresses(const struct route *route, const struct route_host *host, struct arena *arena,
                      instant deadline, struct address **out_addresses, unsigned *out_count);
