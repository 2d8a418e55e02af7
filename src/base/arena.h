#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Bump allocation by lifetime: everything in an arena is freed at once. Each arena has a limit in
 * bytes; past it arena_alloc gives NULL and the caller answers ERROR_LIMIT (TRY_MEMORY). Belongs to
 * one fiber or core at a time. Under AddressSanitizer what was reset is poisoned.
 */
#include "base/error.h"
#include "base/slice.h"

#include <stddef.h>

struct arena_chunk;

struct arena {
    struct arena_chunk *chunk; /* newest first; NULL until first use: an idle arena costs nothing */
    size_t used;               /* bytes handed out since the last reset */
    size_t limit;              /* bytes */
    size_t kept_max;           /* bytes of a chunk that arena_reset keeps */
};

/* Allocates nothing yet. */
void arena_init(struct arena *arena, size_t limit);
/* Frees every chunk; the arena may be used again. */
void arena_close(struct arena *arena);
/* Forgets everything handed out; keeps at most one small chunk for reuse. */
void arena_reset(struct arena *arena);
/* From now on a chunk of so many bytes is small: for an arena that is reset again and again. */
void arena_keep(struct arena *arena, size_t size);
/* Like arena_reset but keeps nothing: for sessions that go idle. */
void arena_release(struct arena *arena);

/* 16-byte aligned, zeroed; NULL past the limit or when the machine is out of memory. */
void *arena_alloc(struct arena *arena, size_t size);
/* The same for bytes that are about to be written: not zeroed, not aligned. */
char *arena_alloc_bytes(struct arena *arena, size_t size);
#define ARENA_NEW(arena, type) ((type *)arena_alloc((arena), sizeof(type)))
#define ARENA_ARRAY(arena, type, count) ((type *)arena_alloc_array((arena), sizeof(type), (count)))
void *arena_alloc_array(struct arena *arena, size_t size, size_t count);

/* Copies; out untouched on failure. */
error arena_copy(struct arena *arena, slice s, slice *out_copy);
/* NUL-terminated copy for system calls; ERROR_MALFORMED where s holds a NUL. */
error arena_string(struct arena *arena, slice s, const char **out_string);
error arena_format(struct arena *arena, slice *out_text, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
