#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A table of DNS records for tests, as a struct dns_source. Names that are not in it do not exist.
 */
#include "check.h"

#include "filter/authentic/dns_source.h"
#include "net/address.h"

#include <stdlib.h>

enum { ZONE_RECORDS_MAX = 1024 };

struct zone_record {
    slice name;
    enum dns_type type; /* 0: the name exists; DNS does not answer for what it lacks if `dead` */
    bool dead;
    struct dns_record data;
};

struct zone {
    struct zone_record records[ZONE_RECORDS_MAX];
    unsigned count;
    unsigned asked, expected;
};

static inline struct zone_record *zone_add(struct zone *zone, slice name, enum dns_type type)
{
    assert_true(zone->count < ZONE_RECORDS_MAX);
    struct zone_record *record = &zone->records[zone->count++];
    *record = (struct zone_record){.name = name, .type = type, .data.ttl = 60};
    return record;
}

static inline void zone_text(struct zone *zone, const char *name, const char *text)
{
    zone_add(zone, slice_from_string(name), DNS_TXT)->data.text = slice_from_string(text);
}

static inline void zone_address(struct zone *zone, const char *name, const char *ip)
{
    struct address address;
    assert_ok(address_parse_ip(slice_from_string(ip), &address));
    struct zone_record *record =
        zone_add(zone, slice_from_string(name), address.family == ADDRESS_IPV6 ? DNS_AAAA : DNS_A);
    memcpy(record->data.ip, address.ip, sizeof address.ip);
}

static inline void zone_name(struct zone *zone, const char *name, enum dns_type type,
                             const char *value)
{
    struct zone_record *record = zone_add(zone, slice_from_string(name), type);
    if (type == DNS_MX)
        record->data.mx.host = slice_from_string(value);
    else
        record->data.name = slice_from_string(value);
}

static inline void zone_dead(struct zone *zone, const char *name)
{
    zone_add(zone, slice_from_string(name), (enum dns_type)0)->dead = true;
}

static inline error zone_find(struct zone *zone, slice name, enum dns_type type, unsigned depth,
                              struct arena *arena, struct dns_answer *out_answer)
{
    struct dns_answer answer = {.owner = name};
    slice alias = SLICE_EMPTY;
    bool exists = false, dead = false;
    answer.records = ARENA_ARRAY(arena, struct dns_record, zone->count + 1);
    TRY_MEMORY(answer.records);
    if (slice_ends(name, SLICE(".")))
        name.size--;
    for (unsigned i = 0; i < zone->count; i++) {
        const struct zone_record *record = &zone->records[i];
        if (!slice_equal_nocase(record->name, name))
            continue;
        exists = true;
        dead |= record->dead;
        if (record->type == type)
            answer.records[answer.count++] = record->data;
        else if (record->type == DNS_CNAME)
            alias = record->data.name;
    }
    if (answer.count == 0 && dead)
        return error_make(ERROR_TIMEOUT, "nobody answers");
    if (answer.count == 0 && alias.data)
        return depth == DNS_CHAIN_MAX ? error_make(ERROR_TEMPORARY, "a chain without end")
                                      : zone_find(zone, alias, type, depth + 1, arena, out_answer);
    *out_answer = answer;
    return exists ? OK : error_make(ERROR_NOT_FOUND, "no such name");
}

static inline error zone_query(void *argument, slice name, enum dns_type type, struct arena *arena,
                               instant deadline, struct dns_answer *out_answer)
{
    struct zone *zone = argument;
    (void)deadline;
    zone->asked++;
    return zone_find(zone, name, type, 0, arena, out_answer);
}

static inline void zone_prefetch(void *argument, slice name, enum dns_type type)
{
    struct zone *zone = argument;
    (void)name, (void)type;
    zone->expected++;
}

static inline struct dns_source zone_source(struct zone *zone)
{
    return (struct dns_source){zone_query, zone_prefetch, zone};
}
