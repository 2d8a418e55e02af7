/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/login/scram.h"

#include "base/cursor.h"
#include "base/utf8.h"
#include "crypto/constant.h"
#include "format/text/base64.h"

static error malformed(void)
{
    return error_make(ERROR_MALFORMED, "invalid SCRAM message");
}

/* "k=value" up to a comma or the end. */
static bool take_attribute(struct cursor *c, char key, slice *out_value)
{
    slice rest = cursor_rest(c), value, behind;
    if (rest.size < 2 || rest.data[0] != key || rest.data[1] != '=')
        return false;
    slice_cut(slice_from(rest, 2), ',', &value, &behind);
    c->at += 2 + value.size;
    *out_value = value;
    return true;
}

/* RFC 5802 5.1: "=2C" and "=3D" stand for what has a meaning of its own. */
static error decode_name(slice name, struct arena *arena, slice *out_name)
{
    char *decoded = arena_alloc_bytes(arena, name.size ? name.size : 1);
    size_t size = 0;
    TRY_MEMORY(decoded);
    for (size_t i = 0; i < name.size; i++) {
        slice escape = slice_sub(name, i, 3);
        if (name.data[i] == '\0')
            return malformed();
        if (name.data[i] != '=') {
            decoded[size++] = name.data[i];
            continue;
        }
        if (!slice_equal(escape, SLICE("=2C")) && !slice_equal(escape, SLICE("=3D")))
            return malformed();
        decoded[size++] = escape.data[1] == '2' ? ',' : '=';
        i += 2;
    }
    *out_name = slice_of(decoded, size);
    return utf8_is_valid(*out_name) ? OK : malformed();
}

/* printable, without the comma */
static bool nonce_is_valid(slice nonce)
{
    for (size_t i = 0; i < nonce.size; i++)
        if (nonce.data[i] < '!' || nonce.data[i] > '~' || nonce.data[i] == ',')
            return false;
    return nonce.size > 0;
}

static error take_binding(struct cursor *c, enum scram_binding *out_binding)
{
    slice name;
    if (cursor_take(c, SLICE("n,"))) {
        *out_binding = SCRAM_BINDING_NONE;
    } else if (cursor_take(c, SLICE("y,"))) {
        *out_binding = SCRAM_BINDING_UNOFFERED;
    } else if (take_attribute(c, 'p', &name) && cursor_take_byte(c, ',')) {
        if (slice_equal(name, SLICE("tls-exporter")))
            *out_binding = SCRAM_BINDING_EXPORTER;
        else if (slice_equal(name, SLICE("tls-server-end-point")))
            *out_binding = SCRAM_BINDING_END_POINT;
        else
            return error_make(ERROR_MALFORMED, "unknown kind of channel binding");
    } else {
        return malformed();
    }
    return OK;
}

error scram_first_parse(slice message, struct arena *arena, struct scram_first *out_first)
{
    struct cursor c = cursor_over(message);
    struct scram_first first = {0};
    slice name;
    TRY(take_binding(&c, &first.binding));
    if (take_attribute(&c, 'a', &name))
        TRY(decode_name(name, arena, &first.authorization));
    if (!cursor_take_byte(&c, ','))
        return malformed();
    first.bare = cursor_rest(&c);
    first.header = slice_sub(message, 0, message.size - first.bare.size);
    /* m= comes first, and is for extensions that nobody has made yet: it is no "n=", so refused */
    if (!take_attribute(&c, 'n', &name) || !cursor_take_byte(&c, ',') ||
        !take_attribute(&c, 'r', &first.nonce) || !nonce_is_valid(first.nonce) ||
        (!cursor_done(&c) && cursor_peek(&c) != ','))
        return malformed();
    if (first.nonce.size > SCRAM_CLIENT_NONCE_SIZE_MAX)
        return error_make(ERROR_LIMIT, "the SCRAM nonce is too long");
    TRY(decode_name(name, arena, &first.name));
    if (first.name.size == 0)
        return malformed();
    *out_first = first;
    return OK;
}

error scram_final_parse(slice message, struct arena *arena, struct scram_final *out_final)
{
    struct cursor c = cursor_over(message);
    struct scram_final final = {0};
    slice binding, before, proof;
    if (!take_attribute(&c, 'c', &binding) || !cursor_take_byte(&c, ',') ||
        !take_attribute(&c, 'r', &final.nonce) || cursor_peek(&c) != ',')
        return malformed();
    if (!slice_cut_last(message, ',', &before, &proof) || !slice_starts(proof, SLICE("p=")) ||
        before.data + before.size < c.at)
        return malformed();
    final.unproved = before;
    TRY(base64_decode(arena, binding, &final.header_and_binding));
    TRY(base64_decode(arena, slice_from(proof, 2), &final.proof));
    *out_final = final;
    return OK;
}

static error encode(slice bytes, struct arena *arena, slice *out_text)
{
    size_t size = base64_encoded_size(bytes.size);
    char *text = arena_alloc_bytes(arena, size);
    TRY_MEMORY(text);
    base64_encode_into(text, bytes);
    *out_text = slice_of(text, size);
    return OK;
}

error scram_challenge_write(const struct scram_first *first, const char *server_nonce,
                            const struct scram_keys *keys, struct arena *arena, slice *out_message)
{
    slice salt;
    TRY(encode(slice_of(keys->salt, keys->salt_size), arena, &salt));
    return arena_format(arena, out_message, "r=%.*s%.*s,s=%.*s,i=%u", SLICE_ARG(first->nonce),
                        SCRAM_SERVER_NONCE_SIZE, server_nonce, SLICE_ARG(salt), keys->rounds);
}

/* RFC 5802 5.1: c= is the GS2 header and the binding, so that nobody in between changed either. */
static bool is_same_channel(const struct scram_first *first, const struct scram_final *final,
                            slice binding)
{
    slice sent = final->header_and_binding;
    return slice_starts(sent, first->header) &&
           constant_equal_slices(slice_from(sent, first->header.size), binding);
}

error scram_answer_write(const struct scram_first *first, slice challenge,
                         const struct scram_final *final, slice binding,
                         const struct scram_keys *keys, struct arena *arena, slice *out_message)
{
    slice nonce, behind, auth_message, text;
    uint8_t signature[DIGEST_SIZE_MAX];
    slice_cut(slice_from(challenge, 2), ',', &nonce, &behind);
    TRY(arena_format(arena, &auth_message, "%.*s,%.*s,%.*s", SLICE_ARG(first->bare),
                     SLICE_ARG(challenge), SLICE_ARG(final->unproved)));
    bool right = scram_proof_is_right(keys, auth_message, final->proof);
    if (!slice_equal(final->nonce, nonce))
        return error_make(ERROR_DENIED, "a SCRAM nonce that is not ours");
    if (!is_same_channel(first, final, binding))
        return error_make(ERROR_DENIED, "a SCRAM exchange bound to another channel");
    if (!right)
        return error_make(ERROR_DENIED, "wrong password");
    scram_signature(keys, auth_message, signature);
    TRY(encode(slice_of(signature, digest_size(keys->kind)), arena, &text));
    return arena_format(arena, out_message, "v=%.*s", SLICE_ARG(text));
}
