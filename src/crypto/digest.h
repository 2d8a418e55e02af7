#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Message digests, in one call or piece by piece: MD5 (RFC 1321), SHA-1 and SHA-2 (FIPS 180-4). MD5
 * and SHA-1 are for old formats only (stored hashes, CRAM-MD5, SCRAM-SHA-1). Cannot fail. Any
 * thread; a running digest belongs to one.
 */
#include "base/slice.h"

#include <stdint.h>

enum digest_kind {
    DIGEST_MD5,
    DIGEST_SHA1,
    DIGEST_SHA224,
    DIGEST_SHA256,
    DIGEST_SHA384,
    DIGEST_SHA512,
};

enum { DIGEST_SIZE_MAX = 64, DIGEST_STATE_SIZE = 384 };

struct digest {
    enum digest_kind kind;
    _Alignas(16) unsigned char state[DIGEST_STATE_SIZE]; /* the library's */
};

/* Bytes of the sum. */
size_t digest_size(enum digest_kind kind);

void digest_init(struct digest *digest, enum digest_kind kind);
void digest_add(struct digest *digest, slice data);
/* Writes digest_size bytes; the digest must be initialised anew before it is used again. */
void digest_finish(struct digest *digest, uint8_t *out_sum);

void digest_of(enum digest_kind kind, slice data, uint8_t *out_sum);
