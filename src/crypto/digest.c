/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One switch per step over wolfCrypt's types; software digests have no way to fail but out of
 * memory for scratch space, which ends the program.
 */
#include "crypto/digest.h"

#include "base/assert.h"

#include <wolfssl/options.h>

#include <wolfssl/wolfcrypt/md5.h>
#include <wolfssl/wolfcrypt/sha.h>
#include <wolfssl/wolfcrypt/sha256.h>
#include <wolfssl/wolfcrypt/sha512.h>

/* Long inputs in pieces: the library counts in 32 bits. */
enum { PIECE = 1 << 30 };

union state {
    wc_Md5 md5;
    wc_Sha sha1;
    wc_Sha256 sha256; /* and 224 */
    wc_Sha512 sha512; /* and 384 */
};
_Static_assert(sizeof(union state) <= DIGEST_STATE_SIZE, "DIGEST_STATE_SIZE is too small");
_Static_assert(_Alignof(union state) <= 16, "the state needs more alignment");

static union state *state_of(struct digest *digest)
{
    return (union state *)(void *)digest->state;
}

size_t digest_size(enum digest_kind kind)
{
    static const uint8_t sizes[] = {
        [DIGEST_MD5] = 16,    [DIGEST_SHA1] = 20,   [DIGEST_SHA224] = 28,
        [DIGEST_SHA256] = 32, [DIGEST_SHA384] = 48, [DIGEST_SHA512] = 64};
    return sizes[kind];
}

void digest_init(struct digest *digest, enum digest_kind kind)
{
    union state *s = state_of(digest);
    digest->kind = kind;
    int failure = -1;
    switch (kind) {
    case DIGEST_MD5:
        failure = wc_InitMd5(&s->md5);
        break;
    case DIGEST_SHA1:
        failure = wc_InitSha(&s->sha1);
        break;
    case DIGEST_SHA224:
        failure = wc_InitSha224(&s->sha256);
        break;
    case DIGEST_SHA256:
        failure = wc_InitSha256(&s->sha256);
        break;
    case DIGEST_SHA384:
        failure = wc_InitSha384(&s->sha512);
        break;
    case DIGEST_SHA512:
        failure = wc_InitSha512(&s->sha512);
        break;
    }
    ASSERT(failure == 0);
}

static int add_piece(enum digest_kind kind, union state *s, const byte *data, word32 size)
{
    switch (kind) {
    case DIGEST_MD5:
        return wc_Md5Update(&s->md5, data, size);
    case DIGEST_SHA1:
        return wc_ShaUpdate(&s->sha1, data, size);
    case DIGEST_SHA224:
        return wc_Sha224Update(&s->sha256, data, size);
    case DIGEST_SHA256:
        return wc_Sha256Update(&s->sha256, data, size);
    case DIGEST_SHA384:
        return wc_Sha384Update(&s->sha512, data, size);
    case DIGEST_SHA512:
        return wc_Sha512Update(&s->sha512, data, size);
    }
    return -1;
}

void digest_add(struct digest *digest, slice data)
{
    while (data.size > 0) {
        slice piece = slice_sub(data, 0, PIECE);
        ASSERT(add_piece(digest->kind, state_of(digest), (const byte *)piece.data,
                         (word32)piece.size) == 0);
        data = slice_from(data, piece.size);
    }
}

void digest_finish(struct digest *digest, uint8_t *out_sum)
{
    union state *s = state_of(digest);
    int failure = -1;
    switch (digest->kind) {
    case DIGEST_MD5:
        failure = wc_Md5Final(&s->md5, out_sum);
        wc_Md5Free(&s->md5);
        break;
    case DIGEST_SHA1:
        failure = wc_ShaFinal(&s->sha1, out_sum);
        wc_ShaFree(&s->sha1);
        break;
    case DIGEST_SHA224:
        failure = wc_Sha224Final(&s->sha256, out_sum);
        wc_Sha224Free(&s->sha256);
        break;
    case DIGEST_SHA256:
        failure = wc_Sha256Final(&s->sha256, out_sum);
        wc_Sha256Free(&s->sha256);
        break;
    case DIGEST_SHA384:
        failure = wc_Sha384Final(&s->sha512, out_sum);
        wc_Sha384Free(&s->sha512);
        break;
    case DIGEST_SHA512:
        failure = wc_Sha512Final(&s->sha512, out_sum);
        wc_Sha512Free(&s->sha512);
        break;
    }
    ASSERT(failure == 0);
}

void digest_of(enum digest_kind kind, slice data, uint8_t *out_sum)
{
    struct digest digest;
    digest_init(&digest, kind);
    digest_add(&digest, data);
    digest_finish(&digest, out_sum);
}
