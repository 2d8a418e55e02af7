/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/login/throttle.h"

#include "runtime/core.h"
#include "runtime/message.h"

#include <stdlib.h>

struct entry {
    uint64_t hash;
    instant last;
    uint32_t failures; /* at `last`; 0: free */
};

static _Thread_local struct entry *entries; /* as long as the core */

static void end_core(void)
{
    free(entries);
    entries = NULL;
}

__attribute__((constructor)) static void begin_cores(void)
{
    core_on_start(NULL, end_core);
}

throttle_key throttle_key_of_address(const struct address *address)
{
    struct {
        uint8_t family, ip[16];
    } part = {.family = address->family};
    if (address->family == ADDRESS_IPV4)
        memcpy(part.ip, address->ip, 4);
    else if (address->family == ADDRESS_IPV6)
        memcpy(part.ip, address->ip, 8);
    return (throttle_key){slice_hash(slice_of(&part, sizeof part))};
}

throttle_key throttle_key_of_account(slice name)
{
    char folded[256] = "account ";
    size_t size = strlen(folded);
    for (size_t i = 0; i < name.size && size < sizeof folded; i++)
        folded[size++] = ascii_lower(name.data[i]);
    return (throttle_key){slice_hash(slice_of(folded, size))};
}

static uint32_t remaining(const struct entry *entry, int64_t forget_after)
{
    int64_t forgotten = (time_now() - entry->last) / forget_after;
    return forgotten >= entry->failures ? 0 : entry->failures - (uint32_t)forgotten;
}

static struct entry *find(uint64_t hash)
{
    if (!entries)
        return NULL;
    struct entry *set = entries + hash % (THROTTLE_ENTRIES / THROTTLE_WAYS) * THROTTLE_WAYS;
    for (int i = 0; i < THROTTLE_WAYS; i++)
        if (set[i].failures && set[i].hash == hash)
            return &set[i];
    return NULL;
}

/* The place of a new key: the one with the least left to remember. */
static struct entry *make(uint64_t hash, int64_t forget_after)
{
    if (!entries)
        entries = calloc(THROTTLE_ENTRIES, sizeof *entries);
    if (!entries)
        return NULL;
    struct entry *set = entries + hash % (THROTTLE_ENTRIES / THROTTLE_WAYS) * THROTTLE_WAYS;
    struct entry *least = set;
    for (int i = 1; i < THROTTLE_WAYS; i++) {
        uint32_t left = remaining(&set[i], forget_after);
        uint32_t least_left = remaining(least, forget_after);
        if (left < least_left || (left == least_left && set[i].last < least->last))
            least = &set[i];
    }
    *least = (struct entry){.hash = hash};
    return least;
}

enum action { ASK, FAIL, FORGIVE };

struct visit {
    uint64_t hash;
    int64_t forget_after;
    enum action action;
    uint32_t failures;
};

static error at_home(void *argument)
{
    struct visit *visit = argument;
    struct entry *entry = find(visit->hash);
    if (!entry && visit->action == FAIL)
        entry = make(visit->hash, visit->forget_after);
    if (!entry)
        return OK;
    visit->failures = remaining(entry, visit->forget_after);
    if (visit->action == ASK)
        return OK;
    entry->failures = visit->action == FAIL ? visit->failures + 1 : visit->failures / 2;
    entry->last = time_now();
    return OK;
}

static uint32_t visit_home(throttle_key key, int64_t forget_after, enum action action)
{
    struct visit visit = {key.hash, forget_after, action, 0};
    unsigned core = (unsigned)(key.hash >> 32) % core_count();
    error_ignore(core_visit(core, at_home, &visit)); /* at_home never fails */
    return visit.failures;
}

uint32_t throttle_failures(throttle_key key, int64_t forget_after)
{
    return visit_home(key, forget_after, ASK);
}

void throttle_fail(throttle_key key, int64_t forget_after)
{
    visit_home(key, forget_after, FAIL);
}

void throttle_forgive(throttle_key key, int64_t forget_after)
{
    visit_home(key, forget_after, FORGIVE);
}

int64_t throttle_delay(uint32_t failures, uint32_t free, int64_t first, int64_t max)
{
    if (failures <= free)
        return 0;
    uint32_t doublings = failures - free - 1;
    if (doublings >= 32 || first > max >> doublings)
        return max;
    return first << doublings;
}
