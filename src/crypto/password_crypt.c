/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * crypt(3) hashes by libxcrypt. Each method's cost is read from the setting string before the
 * library sees it; methods not listed here are refused even where the library knows them.
 */
#include "base/cursor.h"
#include "crypto/constant.h"
#include "crypto/password.h"
#include "crypto/password_scheme.h"

#include <crypt.h>
#include <stdlib.h>

static const char alphabet[] = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

static int alphabet_value(int byte)
{
    const char *found = byte > 0 ? strchr(alphabet, byte) : NULL;
    return found ? (int)(found - alphabet) : -1;
}

/* $2y$10$ + 22 of salt + 31 of hash */
static error check_bcrypt(slice text)
{
    struct cursor c = cursor_over(text);
    uint64_t cost;
    if (text.size != 60 || !cursor_take(&c, SLICE("$2")) || cursor_peek(&c) < 'a' ||
        cursor_peek(&c) > 'y')
        return PASSWORD_MALFORMED;
    c.at++;
    if (!cursor_take_byte(&c, '$') || !cursor_take_u64(&c, 99, &cost) || !cursor_take_byte(&c, '$'))
        return PASSWORD_MALFORMED;
    return cost <= PASSWORD_BCRYPT_COST_MAX ? OK : PASSWORD_TOO_DEAR;
}

/* $5$salt$, $6$rounds=5000$salt$ */
static error check_sha(slice text)
{
    struct cursor c = cursor_over(slice_from(text, 3));
    uint64_t rounds;
    if (!cursor_take(&c, SLICE("rounds=")))
        return OK;
    if (!cursor_take_u64(&c, UINT32_MAX, &rounds) || !cursor_take_byte(&c, '$'))
        return PASSWORD_MALFORMED;
    return rounds <= PASSWORD_SHA_ROUNDS_MAX ? OK : PASSWORD_TOO_DEAR;
}

/* yescrypt's numbers: the first character tells how many follow. */
static bool take_yescrypt_number(struct cursor *c, uint32_t min, uint32_t *out_number)
{
    uint32_t number = min, start = 0, end = 47, bits = 0, more = 0;
    int value = alphabet_value(cursor_peek(c));
    if (value < 0)
        return false;
    c->at++;
    while ((uint32_t)value > end) {
        if (bits > 18)
            return false;
        number += (end + 1 - start) << bits;
        start = end + 1;
        end = start + (62 - end) / 2;
        more++;
        bits += 6;
    }
    number += ((uint32_t)value - start) << bits;
    while (more-- > 0) {
        value = alphabet_value(cursor_peek(c));
        if (value < 0)
            return false;
        c->at++;
        bits -= 6;
        number += (uint32_t)value << bits;
    }
    *out_number = number;
    return true;
}

static error check_memory(uint32_t n_power, uint64_t r, uint64_t p)
{
    if (n_power > 30 || r == 0 || r > 1 << 16)
        return PASSWORD_TOO_DEAR;
    bool fits = ((r << n_power) + r * p) / 8 <= PASSWORD_MEMORY_KIB_MAX; /* blocks of 128 r bytes */
    return fits && p <= PASSWORD_LANES_MAX ? OK : PASSWORD_TOO_DEAR;
}

/* $y$j9T$salt$hash: flavour, log2 N, r; anything beyond those three is refused as too dear. */
static error check_yescrypt(slice parameters)
{
    struct cursor c = cursor_over(parameters);
    uint32_t flavour, n_power, r;
    if (!take_yescrypt_number(&c, 0, &flavour) || !take_yescrypt_number(&c, 1, &n_power) ||
        !take_yescrypt_number(&c, 1, &r))
        return PASSWORD_MALFORMED;
    return cursor_take_byte(&c, '$') ? check_memory(n_power, r, 1) : PASSWORD_TOO_DEAR;
}

/* $7$: log2 N in one character, r and p in five each, low bits first. */
static error check_scrypt(slice parameters)
{
    if (parameters.size < 11)
        return PASSWORD_MALFORMED;
    uint32_t numbers[2] = {0, 0};
    int n_power = alphabet_value((unsigned char)parameters.data[0]);
    for (int i = 0; i < 10; i++) {
        int value = alphabet_value((unsigned char)parameters.data[1 + i]);
        if (value < 0)
            return PASSWORD_MALFORMED;
        numbers[i / 5] |= (uint32_t)value << 6 * (i % 5);
    }
    return n_power < 1 ? PASSWORD_MALFORMED
                       : check_memory((uint32_t)n_power, numbers[0], numbers[1]);
}

static error check_des(slice text)
{
    for (size_t i = 0; i < text.size; i++)
        if (alphabet_value((unsigned char)text.data[i]) < 0)
            return PASSWORD_MALFORMED;
    return text.size == 13 ? OK : PASSWORD_MALFORMED;
}

static error check_cost(slice text)
{
    if (slice_starts(text, SLICE("$2")))
        return check_bcrypt(text);
    if (slice_starts(text, SLICE("$5$")) || slice_starts(text, SLICE("$6$")))
        return check_sha(text);
    if (slice_starts(text, SLICE("$1$")))
        return OK;
    if (slice_starts(text, SLICE("$y$")))
        return check_yescrypt(slice_from(text, 3));
    if (slice_starts(text, SLICE("$gy$")))
        return check_yescrypt(slice_from(text, 4));
    if (slice_starts(text, SLICE("$7$")))
        return check_scrypt(slice_from(text, 3));
    return check_des(text);
}

error password_verify_crypt(const struct password_attempt *attempt, slice method)
{
    char setting[PASSWORD_HASH_SIZE_MAX + 1], phrase[PASSWORD_SIZE_MAX + 1];
    slice text = attempt->text;
    if (text.size >= sizeof setting || slice_find_byte(text, 0) >= 0 || !slice_starts(text, method))
        return PASSWORD_MALFORMED;
    TRY(check_cost(text));
    if (attempt->only_check)
        return OK;
    memcpy(setting, text.data, text.size);
    setting[text.size] = 0;
    memcpy(phrase, attempt->password.data, attempt->password.size);
    phrase[attempt->password.size] = 0;
    void *scratch = NULL;
    int scratch_size = 0;
    const char *made = crypt_ra(phrase, setting, &scratch, &scratch_size);
    error result = PASSWORD_WRONG;
    if (!made && !scratch)
        result = error_make(ERROR_LIMIT, "out of memory for a password hash");
    else if (!made || made[0] == '*') /* libxcrypt's failure token never equals a hash */
        result = PASSWORD_MALFORMED;
    else if (constant_equal_slices(slice_from_string(made), text))
        result = OK;
    constant_wipe(phrase, sizeof phrase);
    if (scratch) {
        constant_wipe(scratch, (size_t)scratch_size);
        free(scratch);
    }
    return result;
}
