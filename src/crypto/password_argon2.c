/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * $argon2id$v=19$m=65536,t=3,p=1$salt$hash (RFC 9106, PHC string). Parsed here, so that the cost is
 * known before the library allocates, and so that lanes are computed on the calling thread: the
 * library's own verify starts a thread per lane.
 */
#include "base/cursor.h"
#include "crypto/constant.h"
#include "crypto/password.h"
#include "crypto/password_scheme.h"

#include <argon2.h>

enum { SALT_SIZE_MAX = 128, HASH_SIZE_MAX = 128 };

struct argon2 {
    argon2_type type;
    uint32_t version;
    uint64_t memory_kib, passes, lanes;
    uint8_t salt[SALT_SIZE_MAX], hash[HASH_SIZE_MAX];
    size_t salt_size, hash_size;
};

static error parse(slice text, struct argon2 *a)
{
    struct cursor c = cursor_over(text);
    slice salt, hash;
    uint64_t version = ARGON2_VERSION_10; /* where the string names none */
    if (cursor_take(&c, SLICE("$argon2id$")))
        a->type = Argon2_id;
    else if (cursor_take(&c, SLICE("$argon2i$")))
        a->type = Argon2_i;
    else if (cursor_take(&c, SLICE("$argon2d$")))
        a->type = Argon2_d;
    else
        return PASSWORD_MALFORMED;
    if (cursor_take(&c, SLICE("v=")) &&
        (!cursor_take_u64(&c, 255, &version) || !cursor_take_byte(&c, '$')))
        return PASSWORD_MALFORMED;
    if (version != ARGON2_VERSION_10 && version != ARGON2_VERSION_13)
        return PASSWORD_MALFORMED;
    a->version = (uint32_t)version;
    if (!cursor_take(&c, SLICE("m=")) || !cursor_take_u64(&c, UINT32_MAX, &a->memory_kib) ||
        !cursor_take(&c, SLICE(",t=")) || !cursor_take_u64(&c, UINT32_MAX, &a->passes) ||
        !cursor_take(&c, SLICE(",p=")) || !cursor_take_u64(&c, UINT32_MAX, &a->lanes) ||
        !cursor_take_byte(&c, '$') || !slice_cut(cursor_rest(&c), '$', &salt, &hash))
        return PASSWORD_MALFORMED;
    if (!password_decode_base64(salt, a->salt, SALT_SIZE_MAX, &a->salt_size) ||
        !password_decode_base64(hash, a->hash, HASH_SIZE_MAX, &a->hash_size) ||
        a->salt_size < ARGON2_MIN_SALT_LENGTH || a->hash_size < ARGON2_MIN_OUTLEN ||
        a->passes < ARGON2_MIN_TIME || a->lanes < ARGON2_MIN_LANES || a->memory_kib < 8 * a->lanes)
        return PASSWORD_MALFORMED;
    if (a->memory_kib > PASSWORD_MEMORY_KIB_MAX || a->lanes > PASSWORD_LANES_MAX ||
        a->memory_kib * a->passes > PASSWORD_ARGON2_WORK_MAX)
        return PASSWORD_TOO_DEAR;
    return OK;
}

error password_verify_argon2(const struct password_attempt *attempt)
{
    struct argon2 a;
    uint8_t made[HASH_SIZE_MAX];
    TRY(parse(attempt->text, &a));
    if (attempt->only_check)
        return OK;
    argon2_context context = {
        .out = made,
        .outlen = (uint32_t)a.hash_size,
        .pwd = (uint8_t *)(uintptr_t)attempt->password.data, /* only written with CLEAR_PASSWORD */
        .pwdlen = (uint32_t)attempt->password.size,
        .salt = a.salt,
        .saltlen = (uint32_t)a.salt_size,
        .t_cost = (uint32_t)a.passes,
        .m_cost = (uint32_t)a.memory_kib,
        .lanes = (uint32_t)a.lanes,
        .threads = 1,
        .version = a.version,
        .flags = ARGON2_DEFAULT_FLAGS,
    };
    int failure = argon2_ctx(&context, a.type);
    if (failure == ARGON2_MEMORY_ALLOCATION_ERROR)
        return error_make(ERROR_LIMIT, "out of memory for a password hash");
    if (failure != ARGON2_OK)
        return PASSWORD_MALFORMED;
    bool equal = constant_equal(made, a.hash, a.hash_size);
    constant_wipe(made, sizeof made);
    return equal ? OK : PASSWORD_WRONG;
}
