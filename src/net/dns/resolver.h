#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * DNS for fibers: one resolver per core, c-ares driven by the core's ring, behind a cache that
 * keeps what the answers say they may be kept for. Simultaneous questions for the same thing are
 * asked once. The resolver asks recursive servers; it does not recurse itself.
 *
 * Bounds: cache_entries_max and cache_bytes_max per core; what was used longest ago goes first.
 */
#include "base/time.h"
#include "format/dns/message.h"

enum {
    RESOLVER_TTL_MIN_S = 5,     /* an answer is kept at least so long, or a burst of mail asks */
    RESOLVER_TTL_MAX_S = 86400, /* RFC 8767 4 */
    RESOLVER_NEGATIVE_MAX_S = 3600, /* RFC 2308 5 */
    RESOLVER_FAILURE_S = 5,         /* RFC 2308 7: trouble is remembered, shortly */
    RESOLVER_UDP_SIZE = 1232,       /* no fragments (DNS flag day 2020) */
    RESOLVER_CACHE_ENTRIES = 20000,
    RESOLVER_CACHE_BYTES = 16 << 20,
    RESOLVER_TIMEOUT_MS = 2000, /* per try, doubling */
    RESOLVER_TRIES = 3,
};

struct resolver_options {
    const char *servers; /* "127.0.0.1,[::1]:5353"; NULL: /etc/resolv.conf */
    /* The servers validate DNSSEC and the way to them is safe: their AD bit counts. Otherwise no
     * answer is authentic. */
    bool trust_authentic;
    const char *hosts; /* a file such as /etc/hosts, for net/dns/addresses.h; NULL: none */
    unsigned timeout_ms, tries, cache_entries_max; /* 0: the defaults above */
    size_t cache_bytes_max;                        /* " */
};

/* WAITS. On each core. The options are not kept. */
error resolver_start(const struct resolver_options *options);
/* WAITS. Ends open questions with ERROR_CANCELLED. Harmless where none was started. */
void resolver_stop(void);

/* WAITS. OK with the records (none: the name exists, but has none of this type), ERROR_NOT_FOUND
 * where the name does not exist (out_answer is set, for authentic), ERROR_TEMPORARY where nobody
 * knows now, ERROR_TIMEOUT at the deadline, ERROR_MALFORMED for what is no name. The answer is held
 * by the arena. Addresses and zones: ask for A and AAAA by themselves, PTR by dns_reverse_name. */
error resolver_query(slice name, enum dns_type type, struct arena *arena, instant deadline,
                     struct dns_answer *out_answer);

/* Does not wait: asks, unless the answer is known or on its way, so that a later resolver_query
 * finds it. Trouble is that one's business. */
void resolver_prefetch(slice name, enum dns_type type);

/* Forgets everything on this core. */
void resolver_flush(void);
