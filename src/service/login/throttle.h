#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Counts of recent failed logins by key (a client's address, an account). Each key has one core
 * that counts it, so the count is exact however many cores there are; asking is a hop. The table is
 * of fixed size (THROTTLE_ENTRIES per core, made at the first failure); where it is full of
 * newer failures the fewest and oldest are forgotten.
 */
#include "base/error.h"
#include "base/slice.h"
#include "base/time.h"
#include "net/address.h"

enum { THROTTLE_ENTRIES = 8192, THROTTLE_WAYS = 8 };

typedef struct throttle_key {
    uint64_t hash;
} throttle_key;

/* IPv4 by address, IPv6 by /64, all Unix sockets as one. */
throttle_key throttle_key_of_address(const struct address *address);
/* In any case of ASCII letters; the caller knows which names are one. */
throttle_key throttle_key_of_account(slice name);

/* All WAIT. `forget_after`: one failure less for each such time since the last one. */
uint32_t throttle_failures(throttle_key key, int64_t forget_after);
void throttle_fail(throttle_key key, int64_t forget_after);
/* After a success: half of them. */
void throttle_forgive(throttle_key key, int64_t forget_after);

/* first << (failures - free), 0 up to `free`, at most max. Pure. */
int64_t throttle_delay(uint32_t failures, uint32_t free, int64_t first, int64_t max);
