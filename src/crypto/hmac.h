#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Keyed digests (RFC 2104) and what is derived with them: PBKDF2 (RFC 8018 5.2), HKDF (RFC 5869).
 * Any thread. Cannot fail where the limits hold; the caller checks those on input.
 */
#include "crypto/digest.h"

enum {
    HMAC_BLOCK_SIZE_MAX = 128,
    PBKDF2_SIZE_MAX = 1024,   /* bytes asked for */
    HKDF_SIZE_MAX = 255 * 16, /* bytes asked for, with the smallest digest */
};

struct hmac {
    struct digest inner;
    uint8_t outer_pad[HMAC_BLOCK_SIZE_MAX]; /* wiped by finish */
};

void hmac_init(struct hmac *hmac, enum digest_kind kind, slice key);
void hmac_add(struct hmac *hmac, slice data);
/* Writes digest_size bytes. */
void hmac_finish(struct hmac *hmac, uint8_t *out_sum);
void hmac_of(enum digest_kind kind, slice key, slice data, uint8_t *out_sum);

/* Asserts 0 < size <= PBKDF2_SIZE_MAX and iterations > 0. Long: belongs on a worker. */
void pbkdf2(enum digest_kind kind, slice password, slice salt, uint32_t iterations, uint8_t *out,
            size_t size);
/* Extract and expand. Asserts size <= HKDF_SIZE_MAX. */
void hkdf(enum digest_kind kind, slice key, slice salt, slice info, uint8_t *out, size_t size);
