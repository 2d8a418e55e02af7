/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Stored hashes are input. Cost and form are judged without work; the cheap schemes are also run,
 * and must never accept a password that is not the plain text itself.
 */
#include "crypto/password.h"

#include <stdint.h>
#include <stdlib.h>

static bool is_cheap(slice hash)
{
    static const char *const dear[] = {"$", "CRYPT", "ARGON", "PBKDF2", "SCRAM", "MD5}"};
    for (size_t i = 0; i < sizeof dear / sizeof *dear; i++)
        if (slice_find_nocase(hash, slice_from_string(dear[i])) >= 0)
            return false;
    return hash.size > 0 && hash.data[0] == '{';
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    slice hash = slice_of(data, size), password = SLICE("a password nobody would guess");
    error form = password_check_hash(hash);
    if (form.kind != ERROR_NONE && form.kind != ERROR_PERMANENT && form.kind != ERROR_LIMIT)
        abort();
    if (is_cheap(hash)) {
        error outcome = password_verify(hash, password);
        if (outcome.kind == ERROR_NONE && slice_find(hash, password) < 0 &&
            slice_find_byte(hash, '.') < 0)
            abort();
    }
    return 0;
}
