/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Over our own digest, not wolfCrypt's Hmac: a copied inner and outer state halves the work of
 * PBKDF2, which is all that SCRAM and {PBKDF2} verification do.
 */
#include "crypto/hmac.h"

#include "base/assert.h"
#include "crypto/constant.h"

static size_t block_size(enum digest_kind kind)
{
    return kind == DIGEST_SHA384 || kind == DIGEST_SHA512 ? 128 : 64;
}

/* RFC 2104 2: the key padded with zeros to a block, a longer key digested first. */
static void key_pads(enum digest_kind kind, slice key, uint8_t *inner, uint8_t *outer)
{
    uint8_t padded[HMAC_BLOCK_SIZE_MAX] = {0};
    size_t block = block_size(kind);
    if (key.size > block)
        digest_of(kind, key, padded);
    else if (key.size > 0)
        memcpy(padded, key.data, key.size);
    for (size_t i = 0; i < block; i++) {
        inner[i] = padded[i] ^ 0x36;
        outer[i] = padded[i] ^ 0x5c;
    }
    constant_wipe(padded, sizeof padded);
}

void hmac_init(struct hmac *hmac, enum digest_kind kind, slice key)
{
    uint8_t inner_pad[HMAC_BLOCK_SIZE_MAX];
    key_pads(kind, key, inner_pad, hmac->outer_pad);
    digest_init(&hmac->inner, kind);
    digest_add(&hmac->inner, slice_of(inner_pad, block_size(kind)));
    constant_wipe(inner_pad, sizeof inner_pad);
}

void hmac_add(struct hmac *hmac, slice data)
{
    digest_add(&hmac->inner, data);
}

void hmac_finish(struct hmac *hmac, uint8_t *out_sum)
{
    enum digest_kind kind = hmac->inner.kind;
    uint8_t inner_sum[DIGEST_SIZE_MAX];
    digest_finish(&hmac->inner, inner_sum);
    struct digest outer;
    digest_init(&outer, kind);
    digest_add(&outer, slice_of(hmac->outer_pad, block_size(kind)));
    digest_add(&outer, slice_of(inner_sum, digest_size(kind)));
    digest_finish(&outer, out_sum);
    constant_wipe(hmac->outer_pad, sizeof hmac->outer_pad);
}

void hmac_of(enum digest_kind kind, slice key, slice data, uint8_t *out_sum)
{
    struct hmac hmac;
    hmac_init(&hmac, kind, key);
    hmac_add(&hmac, data);
    hmac_finish(&hmac, out_sum);
}

/* The states after the pads, made once; each iteration continues copies of them. Plain copies are
 * right for wolfCrypt's software digests: they hold no pointers to themselves. */
struct prepared {
    enum digest_kind kind;
    struct digest inner, outer;
};

static void prepare(struct prepared *p, enum digest_kind kind, slice key)
{
    uint8_t inner_pad[HMAC_BLOCK_SIZE_MAX], outer_pad[HMAC_BLOCK_SIZE_MAX];
    key_pads(kind, key, inner_pad, outer_pad);
    p->kind = kind;
    digest_init(&p->inner, kind);
    digest_add(&p->inner, slice_of(inner_pad, block_size(kind)));
    digest_init(&p->outer, kind);
    digest_add(&p->outer, slice_of(outer_pad, block_size(kind)));
    constant_wipe(inner_pad, sizeof inner_pad);
    constant_wipe(outer_pad, sizeof outer_pad);
}

/* out_sum may be where a or b lies. */
static void prepared_hmac(const struct prepared *p, slice a, slice b, uint8_t *out_sum)
{
    struct digest digest = p->inner;
    uint8_t inner_sum[DIGEST_SIZE_MAX];
    digest_add(&digest, a);
    digest_add(&digest, b);
    digest_finish(&digest, inner_sum);
    digest = p->outer;
    digest_add(&digest, slice_of(inner_sum, digest_size(p->kind)));
    digest_finish(&digest, out_sum);
}

/* RFC 8018 5.2 */
void pbkdf2(enum digest_kind kind, slice password, slice salt, uint32_t iterations, uint8_t *out,
            size_t size)
{
    ASSERT(size > 0 && size <= PBKDF2_SIZE_MAX && iterations > 0);
    size_t sum_size = digest_size(kind);
    struct prepared prepared;
    prepare(&prepared, kind, password);
    for (uint32_t block = 1; size > 0; block++) {
        uint8_t number[4] = {(uint8_t)(block >> 24), (uint8_t)(block >> 16), (uint8_t)(block >> 8),
                             (uint8_t)block};
        uint8_t u[DIGEST_SIZE_MAX], total[DIGEST_SIZE_MAX];
        prepared_hmac(&prepared, salt, slice_of(number, sizeof number), u);
        memcpy(total, u, sum_size);
        for (uint32_t i = 1; i < iterations; i++) {
            prepared_hmac(&prepared, slice_of(u, sum_size), SLICE_EMPTY, u);
            for (size_t k = 0; k < sum_size; k++)
                total[k] ^= u[k];
        }
        size_t take = size < sum_size ? size : sum_size;
        memcpy(out, total, take);
        out += take;
        size -= take;
        constant_wipe(u, sizeof u);
        constant_wipe(total, sizeof total);
    }
    constant_wipe(&prepared, sizeof prepared);
}

/* RFC 5869 2.2, 2.3 */
void hkdf(enum digest_kind kind, slice key, slice salt, slice info, uint8_t *out, size_t size)
{
    ASSERT(size <= HKDF_SIZE_MAX);
    size_t sum_size = digest_size(kind);
    uint8_t extracted[DIGEST_SIZE_MAX], t[DIGEST_SIZE_MAX];
    hmac_of(kind, salt, key, extracted);
    size_t t_size = 0;
    for (uint8_t number = 1; size > 0; number++) {
        struct hmac hmac;
        hmac_init(&hmac, kind, slice_of(extracted, sum_size));
        hmac_add(&hmac, slice_of(t, t_size));
        hmac_add(&hmac, info);
        hmac_add(&hmac, slice_of(&number, 1));
        hmac_finish(&hmac, t);
        t_size = sum_size;
        size_t take = size < sum_size ? size : sum_size;
        memcpy(out, t, take);
        out += take;
        size -= take;
    }
    constant_wipe(extracted, sizeof extracted);
    constant_wipe(t, sizeof t);
}
