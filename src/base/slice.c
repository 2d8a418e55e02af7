/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/slice.h"

#include <sys/random.h>

bool slice_equal_nocase(slice a, slice b)
{
    if (a.size != b.size)
        return false;
    for (size_t i = 0; i < a.size; i++)
        if (ascii_lower(a.data[i]) != ascii_lower(b.data[i]))
            return false;
    return true;
}

bool slice_starts(slice s, slice prefix)
{
    return s.size >= prefix.size && slice_equal(slice_sub(s, 0, prefix.size), prefix);
}

bool slice_starts_nocase(slice s, slice prefix)
{
    return s.size >= prefix.size && slice_equal_nocase(slice_sub(s, 0, prefix.size), prefix);
}

bool slice_ends(slice s, slice suffix)
{
    return s.size >= suffix.size && slice_equal(slice_from(s, s.size - suffix.size), suffix);
}

int slice_compare(slice a, slice b)
{
    size_t size = a.size < b.size ? a.size : b.size;
    int order = size ? memcmp(a.data, b.data, size) : 0;
    if (order != 0)
        return order;
    return a.size < b.size ? -1 : a.size > b.size;
}

ptrdiff_t slice_find_byte(slice s, char byte)
{
    const char *found = s.size ? memchr(s.data, byte, s.size) : NULL;
    return found ? found - s.data : -1;
}

ptrdiff_t slice_find_last_byte(slice s, char byte)
{
    const char *found = s.size ? memrchr(s.data, byte, s.size) : NULL;
    return found ? found - s.data : -1;
}

ptrdiff_t slice_find(slice s, slice needle)
{
    if (needle.size == 0)
        return 0;
    const char *found = s.size ? memmem(s.data, s.size, needle.data, needle.size) : NULL;
    return found ? found - s.data : -1;
}

ptrdiff_t slice_find_nocase(slice s, slice needle)
{
    for (size_t i = 0; i + needle.size <= s.size; i++)
        if (slice_equal_nocase(slice_sub(s, i, needle.size), needle))
            return (ptrdiff_t)i;
    return -1;
}

slice slice_from(slice s, size_t start)
{
    if (start >= s.size)
        return (slice){s.data ? s.data + s.size : NULL, 0};
    return (slice){s.data + start, s.size - start};
}

slice slice_sub(slice s, size_t start, size_t size)
{
    slice rest = slice_from(s, start);
    if (rest.size > size)
        rest.size = size;
    return rest;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

slice slice_trim(slice s)
{
    while (s.size && is_blank(s.data[0]))
        s = slice_from(s, 1);
    while (s.size && is_blank(s.data[s.size - 1]))
        s.size--;
    return s;
}

static bool cut_at(slice s, ptrdiff_t at, slice *out_left, slice *out_right)
{
    if (at < 0) {
        *out_left = s;
        *out_right = SLICE_EMPTY;
        return false;
    }
    *out_left = slice_sub(s, 0, (size_t)at);
    *out_right = slice_from(s, (size_t)at + 1);
    return true;
}

bool slice_cut(slice s, char byte, slice *out_left, slice *out_right)
{
    return cut_at(s, slice_find_byte(s, byte), out_left, out_right);
}

bool slice_cut_last(slice s, char byte, slice *out_left, slice *out_right)
{
    return cut_at(s, slice_find_last_byte(s, byte), out_left, out_right);
}

/* A multiply-and-fold hash (the wyhash family's shape): 8 bytes a step, full 128-bit product
 * folded. */
static uint64_t fold(uint64_t a, uint64_t b)
{
    __uint128_t product = (__uint128_t)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t load_tail(const char *data, size_t size)
{
    uint64_t word = 0;
    if (size)
        memcpy(&word, data, size);
    return word;
}

static uint64_t hash_seeded(slice s, uint64_t seed, uint64_t secret)
{
    const char *at = s.data;
    size_t left = s.size;
    uint64_t state = fold(seed ^ 0x9e3779b97f4a7c15u, secret);
    for (; left >= 8; at += 8, left -= 8)
        state = fold(state ^ load_tail(at, 8), secret ^ 0xd6e8feb86659fd93u);
    return fold(state ^ load_tail(at, left) ^ 0xa5a5a5a5u, secret ^ s.size ^ 0xe7037ed1a0b428dbu);
}

static uint64_t table_seed[2];

__attribute__((constructor)) static void seed_tables(void)
{
    if (getrandom(table_seed, sizeof table_seed, GRND_NONBLOCK) != sizeof table_seed)
        table_seed[0] =
            (uint64_t)(uintptr_t)&table_seed; /* address randomisation is all there is this early */
    table_seed[1] |= 1;
}

uint64_t slice_hash(slice s)
{
    return hash_seeded(s, table_seed[0], table_seed[1]);
}

uint64_t slice_hash_stable(slice s)
{
    return hash_seeded(s, 0x72696e676d61696cu, 0x9fb21c651e98df25u);
}
