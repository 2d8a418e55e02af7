/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "filter/authentic/signer_keys.h"

#include "base/log.h"
#include "base/map.h"
#include "data/directory/directory.h"
#include "filter/authentic/signer.h"
#include "format/text/idna.h"

#include <stdlib.h>

enum { KEYS_ARENA_SIZE_MAX = 8 << 10 };

static _Thread_local struct {
    struct keyring *ring;
    struct map domains;
    struct list used;
    unsigned count;
} cache;

static void uncache(struct signer_keys *keys)
{
    if (!keys->cached)
        return;
    map_remove(&cache.domains, keys->domain);
    list_remove(&keys->used);
    keys->cached = false;
    cache.count--;
    signer_keys_release(&keys);
}

static void uncache_all(void)
{
    struct signer_keys *keys;
    LIST_EACH (&cache.used, keys, used)
        uncache(keys);
}

error signer_keys_start(struct keyring *ring)
{
    if (!cache.used.next) {
        list_init(&cache.used);
        map_init(&cache.domains);
    }
    struct keyring *before = cache.ring;
    uncache_all();
    cache.ring = keyring_ref(ring);
    keyring_unref(&before);
    return OK;
}

void signer_keys_stop(void)
{
    if (!cache.used.next)
        return;
    uncache_all();
    map_close(&cache.domains);
    keyring_unref(&cache.ring);
    cache.used.next = NULL;
}

void signer_keys_release(struct signer_keys **keys)
{
    struct signer_keys *k = *keys;
    *keys = NULL;
    if (!k || --k->references > 0)
        return;
    for (unsigned i = 0; i < k->count; i++)
        signing_key_destroy(&k->keys[i].key);
    arena_close(&k->arena);
    free(k);
}

/* ---- Making ---- */

/* NULL when out of memory. */
static struct signer_keys *create(slice domain)
{
    struct signer_keys *keys = calloc(1, sizeof *keys);
    if (!keys)
        return NULL;
    keys->references = 1;
    list_init(&keys->used);
    arena_init(&keys->arena, KEYS_ARENA_SIZE_MAX);
    if (failed(arena_copy(&keys->arena, domain, &keys->domain)))
        signer_keys_release(&keys);
    return keys;
}

static error add(struct signer_keys *keys, slice selector, slice text)
{
    struct signer_key *key = &keys->keys[keys->count];
    if (text.size == 0)
        return error_make(ERROR_TEMPORARY, "a DKIM key of this domain could not be read");
    TRY(arena_copy(&keys->arena, selector, &key->selector));
    error problem = signing_key_parse(text, &key->key);
    if (failed(problem)) {
        problem.kind = ERROR_TEMPORARY; /* somebody must mend it */
        return problem;
    }
    keys->has_rsa |= signing_key_algorithm(key->key) == SIGNATURE_RSA_SHA256;
    keys->count++;
    return OK;
}

static error add_files(struct signer_keys *keys, const struct keyring_key *files, unsigned count)
{
    for (unsigned i = 0; i < count && i < DKIM_SIGNERS_MAX; i++)
        TRY(add(keys, files[i].selector, files[i].text));
    return OK;
}

static error add_rows(struct signer_keys *keys, const struct directory_dkim_key *rows,
                      unsigned count)
{
    for (unsigned i = 0; i < count && i < DKIM_SIGNERS_MAX; i++)
        TRY(add(keys, rows[i].selector, rows[i].private_key));
    return OK;
}

static void remember(struct signer_keys *keys)
{
    if (cache.count >= SIGNER_DOMAINS_MAX)
        uncache(CONTAINER_OF(cache.used.next, struct signer_keys, used));
    if (failed(map_put(&cache.domains, keys->domain, keys)))
        return; /* parsed again next time */
    list_append(&cache.used, &keys->used);
    keys->references++;
    keys->cached = true;
    cache.count++;
}

static error from_files(slice domain, const struct keyring_key *files, unsigned count,
                        struct signer_keys **out_keys)
{
    struct signer_keys *keys = create(domain);
    TRY_MEMORY(keys);
    error problem = add_files(keys, files, count);
    if (failed(problem)) {
        signer_keys_release(&keys);
        return problem;
    }
    remember(keys);
    *out_keys = keys;
    return OK;
}

static uint64_t fingerprint(const struct directory_dkim_key *rows, unsigned count)
{
    uint64_t sum = 1;
    for (unsigned i = 0; i < count; i++)
        sum = (sum * 31 + slice_hash(rows[i].selector)) * 31 + slice_hash(rows[i].private_key);
    return sum ? sum : 1;
}

/* The rows are asked for each time (the directory remembers them): so what changes there counts as
 * soon as the directory knows. */
static error from_directory(slice domain, struct arena *arena, struct signer_keys **out_keys)
{
    struct directory *directory = directory_here();
    struct directory_dkim_key *rows = NULL;
    unsigned count = 0;
    if (directory)
        TRY(directory_dkim(directory, domain, arena, &rows, &count));
    struct signer_keys *keys = map_get(&cache.domains, domain); /* after the wait */
    if (count == 0) {
        if (keys && keys->fingerprint)
            uncache(keys);
        return OK;
    }
    uint64_t sum = fingerprint(rows, count);
    if (keys && keys->fingerprint == sum) {
        keys->references++;
        *out_keys = keys;
        return OK;
    }
    if (keys)
        uncache(keys);
    keys = create(domain);
    TRY_MEMORY(keys);
    error problem = add_rows(keys, rows, count);
    if (failed(problem)) {
        signer_keys_release(&keys);
        return problem;
    }
    keys->fingerprint = sum;
    remember(keys);
    *out_keys = keys;
    return OK;
}

error signer_keys_open(slice domain, struct arena *arena, struct signer_keys **out_keys)
{
    slice ascii;
    unsigned count = 0;
    error problem = idna_to_ascii(arena, domain, &ascii);
    if (failed(problem)) /* an address literal, or nonsense: there are no keys for it */
        return problem.kind == ERROR_MALFORMED ? OK : problem;
    struct signer_keys *keys = map_get(&cache.domains, ascii);
    if (keys) {
        list_remove(&keys->used);
        list_append(&cache.used, &keys->used);
    }
    if (keys && !keys->fingerprint) {
        keys->references++;
        *out_keys = keys;
        return OK;
    }
    const struct keyring_key *files = cache.ring ? keyring_find(cache.ring, ascii, &count) : NULL;
    return files ? from_files(ascii, files, count, out_keys)
                 : from_directory(ascii, arena, out_keys);
}
