/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "data/directory/login_cache.h"

#include "crypto/constant.h"
#include "crypto/hmac.h"
#include "crypto/random.h"

#include <stdlib.h>

enum { SUM_SIZE = 32 };

struct login {
    struct list recent;
    uint8_t right[SUM_SIZE], wrong[SUM_SIZE];
    instant right_until, wrong_until;
    slice address; /* in this block */
    char address_bytes[];
};

void directory_login_cache_init(struct directory_login_cache *cache, unsigned entries_max,
                                int64_t right_lifetime, int64_t wrong_lifetime)
{
    map_init(&cache->map);
    list_init(&cache->recent);
    cache->count = 0;
    cache->entries_max = entries_max;
    cache->right_lifetime = right_lifetime;
    cache->wrong_lifetime = wrong_lifetime;
    random_bytes(cache->key, sizeof cache->key);
}

void directory_login_cache_close(struct directory_login_cache *cache)
{
    directory_login_forget_all(cache);
    map_close(&cache->map);
    constant_wipe(cache->key, sizeof cache->key);
}

static void drop(struct directory_login_cache *cache, struct login *login)
{
    map_remove(&cache->map, login->address);
    list_remove(&login->recent);
    cache->count--;
    free(login);
}

/* Each part is preceded by its size, so that no two triples give the same bytes. */
static void sum_of(const struct directory_login_cache *cache, slice address, slice hash,
                   slice password, uint8_t *out_sum)
{
    struct hmac hmac;
    hmac_init(&hmac, DIGEST_SHA256, slice_of(cache->key, sizeof cache->key));
    const slice parts[] = {address, hash, password};
    for (int i = 0; i < 3; i++) {
        uint64_t size = parts[i].size;
        hmac_add(&hmac, slice_of(&size, sizeof size));
        hmac_add(&hmac, parts[i]);
    }
    hmac_finish(&hmac, out_sum);
}

enum directory_login_memory directory_login_recall(struct directory_login_cache *cache,
                                                   slice address, slice hash, slice password,
                                                   instant now)
{
    struct login *login = map_get(&cache->map, address);
    if (!login)
        return LOGIN_UNKNOWN;
    uint8_t sum[SUM_SIZE];
    sum_of(cache, address, hash, password, sum);
    list_remove(&login->recent);
    list_prepend(&cache->recent, &login->recent);
    if (now < login->right_until && constant_equal(sum, login->right, SUM_SIZE))
        return LOGIN_RIGHT;
    if (now < login->wrong_until && constant_equal(sum, login->wrong, SUM_SIZE))
        return LOGIN_WRONG;
    return LOGIN_UNKNOWN;
}

static struct login *login_add(struct directory_login_cache *cache, slice address)
{
    struct login *login = malloc(sizeof *login + address.size);
    if (!login)
        return NULL;
    *login = (struct login){.right_until = INT64_MIN, .wrong_until = INT64_MIN};
    memcpy(login->address_bytes, address.data, address.size);
    login->address = slice_of(login->address_bytes, address.size);
    if (failed(map_put(&cache->map, login->address, login))) {
        free(login);
        return NULL;
    }
    list_prepend(&cache->recent, &login->recent);
    if (++cache->count > cache->entries_max)
        drop(cache, CONTAINER_OF(cache->recent.previous, struct login, recent));
    return login;
}

void directory_login_remember(struct directory_login_cache *cache, slice address, slice hash,
                              slice password, bool right, instant now)
{
    int64_t lifetime = right ? cache->right_lifetime : cache->wrong_lifetime;
    if (lifetime <= 0 || cache->entries_max == 0)
        return;
    struct login *login = map_get(&cache->map, address);
    if (!login && !(login = login_add(cache, address)))
        return;
    sum_of(cache, address, hash, password, right ? login->right : login->wrong);
    *(right ? &login->right_until : &login->wrong_until) = now + lifetime;
}

void directory_login_forget(struct directory_login_cache *cache, slice address)
{
    struct login *login = map_get(&cache->map, address);
    if (login)
        drop(cache, login);
}

void directory_login_forget_domain(struct directory_login_cache *cache, slice domain)
{
    struct login *login;
    LIST_EACH (&cache->recent, login, recent) {
        slice local, rest;
        if (slice_cut_last(login->address, '@', &local, &rest) && slice_equal(rest, domain))
            drop(cache, login);
    }
}

void directory_login_forget_all(struct directory_login_cache *cache)
{
    struct login *login;
    LIST_EACH (&cache->recent, login, recent)
        drop(cache, login);
}
