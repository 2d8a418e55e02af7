#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Stored password hashes as Dovecot writes them: "{SCHEME}text", "{SCHEME.HEX}", "{SCHEME.B64}", or
 * without a prefix where the hash names itself ($2y$, $6$, $argon2id$ ...) or is a DES crypt.
 * Unknown schemes and malformed hashes fail closed. A hash is input: whoever can write it must not
 * eat the machine, so its cost is bounded before any work is done.
 *
 * Slow by design (milliseconds to seconds): on workers, never on a core.
 *
 * Schemes: BLF-CRYPT SHA512-CRYPT SHA256-CRYPT MD5-CRYPT MD5 DES-CRYPT CRYPT ARGON2I ARGON2ID
 * PBKDF2 SSHA SSHA256 SSHA512 SMD5 SHA SHA1 SHA256 SHA512 LDAP-MD5 PLAIN-MD5 PLAIN CLEARTEXT CLEAR
 * CRAM-MD5 HMAC-MD5 SCRAM-SHA-1 SCRAM-SHA-256.
 */
#include "base/buffer.h"
#include "base/error.h"
#include "base/slice.h"

enum password_limits {
    PASSWORD_SIZE_MAX = 511,       /* bytes somebody presents; libxcrypt takes no more */
    PASSWORD_HASH_SIZE_MAX = 1024, /* bytes stored */
    PASSWORD_BCRYPT_COST_MAX = 15,
    PASSWORD_SHA_ROUNDS_MAX = 1000000,      /* $5$, $6$ */
    PASSWORD_PBKDF2_ROUNDS_MAX = 2000000,   /* PBKDF2, SCRAM */
    PASSWORD_MEMORY_KIB_MAX = 256 * 1024,   /* Argon2, scrypt, yescrypt */
    PASSWORD_ARGON2_WORK_MAX = 1024 * 1024, /* KiB times passes */
    PASSWORD_LANES_MAX = 16,                /* Argon2, scrypt */
};

enum { PASSWORD_BCRYPT_INPUT_MAX = 72 }; /* bcrypt reads no further */

/* OK: it is the password. ERROR_DENIED: it is not. ERROR_PERMANENT: the stored hash is of an
 * unknown scheme or malformed; ERROR_LIMIT: it costs more than the limits allow, or memory ran out.
 * All but OK refuse. Passwords with a NUL or longer than PASSWORD_SIZE_MAX are denied. */
error password_verify(slice hash, slice password);

/* True where password_verify knows the hash's scheme, its form and its cost; for what writes hashes
 * into a directory. The text of the error says what is wrong. */
error password_check_hash(slice hash);

/* Appends "{SCHEME}..." with a fresh salt. `scheme` empty: the default, BLF-CRYPT of cost 10, or
 * SHA512-CRYPT for what bcrypt would cut off. Also SHA512-CRYPT, SHA256-CRYPT, ARGON2ID,
 * SCRAM-SHA-256, SCRAM-SHA-1, PLAIN.
 * ERROR_LIMIT: longer than PASSWORD_SIZE_MAX, or than bcrypt reads; ERROR_MALFORMED: empty or with
 * a NUL; ERROR_NOT_FOUND: a scheme that is not made here. */
error password_make(slice scheme, slice password, struct buffer *out_hash);

/* Is the password stored as it is ({PLAIN}, {CLEARTEXT}, {CLEAR})? Then other mechanisms' secrets
 * can be derived from it. */
bool password_is_plain(slice hash, slice *out_password);

/* Those that password_make knows, for help and messages. */
#define PASSWORD_MADE_SCHEMES                                                                      \
    "BLF-CRYPT (default), ARGON2ID, SHA512-CRYPT, SHA256-CRYPT, SCRAM-SHA-256, SCRAM-SHA-1, PLAIN"

/* The work of one usual verification, for a user that does not exist: so that the time of a refusal
 * does not tell who does. */
void password_waste_time(slice password);
