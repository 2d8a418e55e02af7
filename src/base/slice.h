#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A slice is a borrowed view of bytes: a pointer and a size, passed by value. It owns nothing and
 * is never NUL-terminated by promise; whoever keeps one must know that the bytes outlive it.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct slice {
    const char *data;
    size_t size; /* bytes */
} slice;

#define SLICE(literal) ((slice){(literal), sizeof(literal) - 1})
#define SLICE_EMPTY ((slice){NULL, 0})
/* For printf: "%.*s", SLICE_ARG(s) */
#define SLICE_ARG(s) ((int)(s).size), ((s).data ? (s).data : "")

static inline slice slice_of(const void *data, size_t size)
{
    return (slice){data, size};
}

/* A C string at the system-call edge; NULL gives the empty slice. */
static inline slice slice_from_string(const char *string)
{
    return string ? (slice){string, strlen(string)} : SLICE_EMPTY;
}

static inline bool slice_equal(slice a, slice b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

/* ASCII case folding only; other bytes compare as they are. */
bool slice_equal_nocase(slice a, slice b);
bool slice_starts(slice s, slice prefix);
bool slice_starts_nocase(slice s, slice prefix);
bool slice_ends(slice s, slice suffix);
/* memcmp order, shorter first on a tie: <0, 0, >0. */
int slice_compare(slice a, slice b);

/* Index of the first occurrence, or -1. */
ptrdiff_t slice_find_byte(slice s, char byte);
ptrdiff_t slice_find_last_byte(slice s, char byte);
ptrdiff_t slice_find(slice s, slice needle);
ptrdiff_t slice_find_nocase(slice s, slice needle);

/* Clamped: never reads outside s. */
slice slice_from(slice s, size_t start);
slice slice_sub(slice s, size_t start, size_t size);
/* Without spaces, tabs, CR and LF at both ends. */
slice slice_trim(slice s);

/* Splits at the first `byte`; false (and left = s, right empty) where there is none. Outputs may
 * alias &s. */
bool slice_cut(slice s, char byte, slice *out_left, slice *out_right);
/* The same at the last `byte`. */
bool slice_cut_last(slice s, char byte, slice *out_left, slice *out_right);

/* FNV-free, seeded at start from the kernel: not stable between runs, fit for hash tables fed by
 * strangers. */
uint64_t slice_hash(slice s);
/* Stable between runs and machines: for sharding (home cores), never for hash tables fed by
 * strangers. */
uint64_t slice_hash_stable(slice s);

static inline char ascii_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}
static inline char ascii_upper(char c)
{
    return c >= 'a' && c <= 'z' ? (char)(c - 32) : c;
}
static inline bool ascii_is_digit(char c)
{
    return c >= '0' && c <= '9';
}
static inline bool ascii_is_alpha(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}
