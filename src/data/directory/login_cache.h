#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Verified (and just refused) passwords, remembered as keyed hashes, so that a client that connects
 * every few seconds does not cost a bcrypt each time. The key is random and never leaves the core's
 * memory; the stored hash is part of what is hashed, so a changed password forgets the old one.
 * Bounded; one core's.
 */
#include "base/list.h"
#include "base/map.h"
#include "base/time.h"

struct directory_login_cache {
    struct map map;     /* by address */
    struct list recent; /* most recent first */
    unsigned count, entries_max;
    int64_t right_lifetime, wrong_lifetime; /* ns; 0: not remembered */
    unsigned char key[32];
};

enum directory_login_memory { LOGIN_UNKNOWN, LOGIN_RIGHT, LOGIN_WRONG };

void directory_login_cache_init(struct directory_login_cache *cache, unsigned entries_max,
                                int64_t right_lifetime, int64_t wrong_lifetime);
void directory_login_cache_close(struct directory_login_cache *cache);

enum directory_login_memory directory_login_recall(struct directory_login_cache *cache,
                                                   slice address, slice hash, slice password,
                                                   instant now);
void directory_login_remember(struct directory_login_cache *cache, slice address, slice hash,
                              slice password, bool right, instant now);
void directory_login_forget(struct directory_login_cache *cache, slice address);
void directory_login_forget_domain(struct directory_login_cache *cache, slice domain);
void directory_login_forget_all(struct directory_login_cache *cache);
