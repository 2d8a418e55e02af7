#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The signer's insides: parsed keys of a domain on one core, and work on them. Inside
 * filter/authentic only.
 */
#include "base/list.h"
#include "filter/authentic/dkim.h"
#include "filter/authentic/keyring.h"

struct signer_key {
    slice selector; /* in the owner's arena */
    struct signing_key *key;
};

/* Counted: the cache and each mail being signed hold it, so that a reload may drop it at any time.
 */
struct signer_keys {
    struct list used; /* in the cache, oldest first */
    struct arena arena;
    unsigned references;
    unsigned flying;      /* jobs on it that wait for a worker or are on one: hands off */
    uint64_t fingerprint; /* of the directory's rows; 0: from files */
    slice domain;         /* A-labels, lower case */
    bool has_rsa;
    bool cached;
    unsigned count;
    struct signer_key keys[DKIM_SIGNERS_MAX];
};

error signer_keys_start(struct keyring *ring);
void signer_keys_stop(void);
/* WAITS (directory). NULL where the domain has no keys. ERROR_TEMPORARY where it has one that is of
 * no use now. */
error signer_keys_open(slice domain, struct arena *arena, struct signer_keys **out_keys);
/* NULL is fine. */
void signer_keys_release(struct signer_keys **keys);

/* What is computed with keys, in place or on a worker. */
struct signer_work {
    error (*run)(const struct signer_work *work);
    struct signer_keys *keys;
    slice header, body;
    int64_t time, lifetime; /* seconds */
    bool is_long;           /* belongs on a worker */
    struct buffer *fields;  /* gets the result */
    const void *argument;
};
/* WAITS where it is long. */
error signer_compute(const struct signer_work *work);
/* Prefix and the header of `body` in one piece, and what is behind. Only the header is copied, and
 * only where there is a prefix. */
error signer_join(slice prefix, slice body, struct arena *arena, slice *out_header,
                  slice *out_body);
