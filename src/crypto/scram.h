#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a server keeps of a password for SCRAM (RFC 5802 3, RFC 7677), and what it computes with it.
 * Stored as Dovecot does: "{SCRAM-SHA-256}rounds,salt,StoredKey,ServerKey", the last three in
 * base64. Whoever steals it cannot log in with it, but guess at the password; the rounds make that
 * dear. Passwords are taken as bytes here: who has one as somebody typed it prepares it first
 * (format/text/saslprep.h).
 */
#include "base/buffer.h"
#include "base/error.h"
#include "crypto/digest.h"

enum {
    SCRAM_SALT_SIZE = 16, /* of those made here */
    SCRAM_SALT_SIZE_MAX = 256,
    SCRAM_ROUNDS = 15000,    /* of those made here; RFC 7677 4 asks for 4096 at least */
    SCRAM_ROUNDS_MIN = 4096, /* what may be set */
};

struct scram_keys {
    enum digest_kind kind; /* DIGEST_SHA1 or DIGEST_SHA256 */
    uint32_t rounds;
    size_t salt_size;
    uint8_t salt[SCRAM_SALT_SIZE_MAX];
    uint8_t stored_key[DIGEST_SIZE_MAX], server_key[DIGEST_SIZE_MAX];
};

/* The text behind the prefix. ERROR_PERMANENT where it is malformed, ERROR_LIMIT past
 * PASSWORD_PBKDF2_ROUNDS_MAX. */
error scram_keys_parse(slice text, enum digest_kind kind, struct scram_keys *out_keys);
/* A whole stored hash; ERROR_NOT_FOUND where it is of another scheme. */
error scram_keys_of_hash(slice hash, enum digest_kind kind, struct scram_keys *out_keys);
/* Long (RFC 5802 2.2: Hi is PBKDF2): belongs on a worker. */
void scram_keys_make(enum digest_kind kind, slice password, slice salt, uint32_t rounds,
                     struct scram_keys *out_keys);
/* Without the prefix. */
void scram_keys_write(const struct scram_keys *keys, struct buffer *out);
void scram_keys_wipe(struct scram_keys *keys);

/* RFC 5802 3: does the proof come from who knows the password? In constant time. */
bool scram_proof_is_right(const struct scram_keys *keys, slice auth_message, slice proof);
/* The server's own proof: digest_size(kind) bytes. */
void scram_signature(const struct scram_keys *keys, slice auth_message, uint8_t *out_signature);
