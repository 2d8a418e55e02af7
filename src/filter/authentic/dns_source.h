#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Where SPF, DMARC and reverse names get their records from: this core's resolver, or a test's
 * table.
 */
#include "base/time.h"
#include "format/dns/message.h"

struct dns_source {
    /* WAITS. As resolver_query (net/dns/resolver.h). */
    error (*query)(void *argument, slice name, enum dns_type type, struct arena *arena,
                   instant deadline, struct dns_answer *out_answer);
    /* As resolver_prefetch; NULL: nothing is fetched ahead. */
    void (*prefetch)(void *argument, slice name, enum dns_type type);
    void *argument;
};
extern const struct dns_source dns_source_resolver;

/* WAITS. OK with the records; none (count 0): there is no such name, no record of that type, or
 * `name` is no name at all. ERROR_TEMPORARY: nobody knows now. ERROR_CANCELLED; ERROR_LIMIT where
 * the arena is full. */
error dns_source_ask(const struct dns_source *source, slice name, enum dns_type type,
                     struct arena *arena, instant deadline, struct dns_answer *out_answer);
/* Does not wait. */
void dns_source_expect(const struct dns_source *source, slice name, enum dns_type type);
