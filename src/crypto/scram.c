/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "crypto/scram.h"

#include "base/cursor.h"
#include "crypto/constant.h"
#include "crypto/hmac.h"
#include "crypto/password.h"
#include "crypto/password_scheme.h"

error scram_keys_parse(slice text, enum digest_kind kind, struct scram_keys *out_keys)
{
    struct scram_keys keys = {.kind = kind};
    struct cursor c = cursor_over(text);
    size_t stored_size, server_size;
    uint64_t rounds;
    slice salt, stored;
    if (!cursor_take_u64(&c, UINT32_MAX, &rounds) || rounds == 0 || !cursor_take_byte(&c, ',') ||
        !cursor_take_until(&c, ',', &salt) || !cursor_take_byte(&c, ',') ||
        !cursor_take_until(&c, ',', &stored) || !cursor_take_byte(&c, ',') ||
        !password_decode_base64(salt, keys.salt, sizeof keys.salt, &keys.salt_size) ||
        !password_decode_base64(stored, keys.stored_key, sizeof keys.stored_key, &stored_size) ||
        !password_decode_base64(cursor_rest(&c), keys.server_key, sizeof keys.server_key,
                                &server_size) ||
        stored_size != digest_size(kind) || server_size != digest_size(kind))
        return PASSWORD_MALFORMED;
    if (rounds > PASSWORD_PBKDF2_ROUNDS_MAX)
        return PASSWORD_TOO_DEAR;
    keys.rounds = (uint32_t)rounds;
    *out_keys = keys;
    return OK;
}

error scram_keys_of_hash(slice hash, enum digest_kind kind, struct scram_keys *out_keys)
{
    slice prefix = kind == DIGEST_SHA1 ? SLICE("{SCRAM-SHA-1}") : SLICE("{SCRAM-SHA-256}");
    if (!slice_starts_nocase(hash, prefix))
        return error_make(ERROR_NOT_FOUND, "a password hash of another scheme");
    return scram_keys_parse(slice_from(hash, prefix.size), kind, out_keys);
}

void scram_keys_make(enum digest_kind kind, slice password, slice salt, uint32_t rounds,
                     struct scram_keys *out_keys)
{
    size_t size = digest_size(kind);
    uint8_t salted[DIGEST_SIZE_MAX], client_key[DIGEST_SIZE_MAX];
    *out_keys = (struct scram_keys){.kind = kind, .rounds = rounds, .salt_size = salt.size};
    memcpy(out_keys->salt, salt.data, salt.size);
    pbkdf2(kind, password, salt, rounds, salted, size);
    hmac_of(kind, slice_of(salted, size), SLICE("Client Key"), client_key);
    digest_of(kind, slice_of(client_key, size), out_keys->stored_key);
    hmac_of(kind, slice_of(salted, size), SLICE("Server Key"), out_keys->server_key);
    constant_wipe(salted, sizeof salted);
    constant_wipe(client_key, sizeof client_key);
}

void scram_keys_write(const struct scram_keys *keys, struct buffer *out)
{
    size_t size = digest_size(keys->kind);
    buffer_format(out, "%u,", keys->rounds);
    password_encode_base64(slice_of(keys->salt, keys->salt_size), out);
    buffer_add_byte(out, ',');
    password_encode_base64(slice_of(keys->stored_key, size), out);
    buffer_add_byte(out, ',');
    password_encode_base64(slice_of(keys->server_key, size), out);
}

void scram_keys_wipe(struct scram_keys *keys)
{
    constant_wipe(keys, sizeof *keys);
}

/* ClientKey is the proof without the signature over it; its digest is what was stored. */
bool scram_proof_is_right(const struct scram_keys *keys, slice auth_message, slice proof)
{
    size_t size = digest_size(keys->kind);
    uint8_t key[DIGEST_SIZE_MAX];
    if (proof.size != size)
        return false;
    hmac_of(keys->kind, slice_of(keys->stored_key, size), auth_message, key);
    for (size_t i = 0; i < size; i++)
        key[i] ^= (uint8_t)proof.data[i];
    digest_of(keys->kind, slice_of(key, size), key);
    bool right = constant_equal(key, keys->stored_key, size);
    constant_wipe(key, sizeof key);
    return right;
}

void scram_signature(const struct scram_keys *keys, slice auth_message, uint8_t *out_signature)
{
    hmac_of(keys->kind, slice_of(keys->server_key, digest_size(keys->kind)), auth_message,
            out_signature);
}
