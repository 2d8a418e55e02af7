#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What DNS should say about a domain of ours, as the configuration has it, and what it does say.
 */
#include "control/control.h"
#include "format/dns/message.h"

enum { DNS_WISHES_MAX = 64, DNS_ARENA_SIZE_MAX = 8 << 20 };

enum dns_purpose {
    DNS_PURPOSE_MX,
    DNS_PURPOSE_SPF,
    DNS_PURPOSE_DKIM,
    DNS_PURPOSE_DMARC,
    DNS_PURPOSE_STS,
    DNS_PURPOSE_STS_HOST,
    DNS_PURPOSE_TLS_REPORT,
    DNS_PURPOSE_TLSA,
    DNS_PURPOSE_AUTOCONFIG,
    DNS_PURPOSE_SERVICE,
};

/* One record. */
struct dns_wish {
    enum dns_purpose purpose;
    enum dns_type type;
    slice name;
    slice data;    /* as in a zone file; of TXT the bare text */
    uint16_t port; /* SRV; 0: not offered */
    bool optional; /* mail works without, though worse */
};

struct dns_wishes {
    slice domain; /* A-labels */
    slice host;   /* the MX: server.hostname */
    struct dns_wish items[DNS_WISHES_MAX];
    unsigned count;
};

/* "mx", "spf" ... */
const char *dns_purpose_name(enum dns_purpose purpose);
const char *dns_type_name(enum dns_type type);

/* dns_records.c: what there should be. Says what is wrong. Texts lie in the arena. */
enum control_exit control_dns_wishes(struct control *control, struct arena *arena,
                                     struct dns_wishes *out_wishes);

/* dns_check.c */
enum dns_state {
    DNS_STATE_OK,
    DNS_STATE_NOTE,    /* fine as it is, but there is something to know */
    DNS_STATE_MISSING, /* there is none */
    DNS_STATE_WRONG,
    DNS_STATE_UNKNOWN, /* nobody answers */
};
const char *dns_state_name(enum dns_state state);

struct dns_finding {
    const struct dns_wish *wish;
    enum dns_state state;
    slice found; /* what is there; may be empty */
    slice text;  /* what to do */
};
/* WAITS, on a core with a resolver. */
error dns_check_wish(const struct dns_wishes *wishes, const struct dns_wish *wish,
                     struct arena *arena, struct dns_finding *out_finding);
/* WAITS. Does the host have addresses, and do they lead back to it? */
error dns_check_host(const struct dns_wishes *wishes, struct arena *arena,
                     struct dns_finding *out_finding);
