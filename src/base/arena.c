/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#if defined(__SANITIZE_ADDRESS__)
#define ARENA_POISON 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_POISON 1
#endif
#endif
#ifdef ARENA_POISON
#include <sanitizer/asan_interface.h>
#define POISON(p, n) ASAN_POISON_MEMORY_REGION(p, n)
#define UNPOISON(p, n) ASAN_UNPOISON_MEMORY_REGION(p, n)
#else
#define POISON(p, n) ((void)(p), (void)(n))
#define UNPOISON(p, n) ((void)(p), (void)(n))
#endif

enum { CHUNK_SIZE_MIN = 1024, CHUNK_SIZE_KEPT_MAX = 4096, CHUNK_SIZE_GROWTH_MAX = 256 * 1024 };

struct arena_chunk {
    struct arena_chunk *older;
    size_t size; /* bytes in data */
    size_t used;
    _Alignas(16) char data[];
};

void arena_init(struct arena *arena, size_t limit)
{
    *arena = (struct arena){.limit = limit, .kept_max = CHUNK_SIZE_KEPT_MAX};
}

static void free_chain(struct arena_chunk *chunk)
{
    while (chunk) {
        struct arena_chunk *older = chunk->older;
        UNPOISON(chunk->data, chunk->size);
        free(chunk);
        chunk = older;
    }
}

void arena_close(struct arena *arena)
{
    free_chain(arena->chunk);
    arena->chunk = NULL;
    arena->used = 0;
}

void arena_release(struct arena *arena)
{
    arena_close(arena);
}

void arena_keep(struct arena *arena, size_t size)
{
    arena->kept_max = size;
}

void arena_reset(struct arena *arena)
{
    struct arena_chunk *chunk = arena->chunk;
    arena->used = 0;
    if (!chunk)
        return;
    free_chain(chunk->older);
    chunk->older = NULL;
    if (chunk->size > arena->kept_max) {
        free_chain(chunk);
        arena->chunk = NULL;
        return;
    }
    chunk->used = 0;
    POISON(chunk->data, chunk->size);
}

static struct arena_chunk *grow(struct arena *arena, size_t size)
{
    size_t chunk_size = arena->chunk ? arena->chunk->size * 2 : CHUNK_SIZE_MIN;
    if (chunk_size > CHUNK_SIZE_GROWTH_MAX)
        chunk_size = CHUNK_SIZE_GROWTH_MAX;
    if (chunk_size < size + 16)
        chunk_size = size + 16;
    struct arena_chunk *chunk = malloc(sizeof *chunk + chunk_size);
    if (!chunk)
        return NULL;
    chunk->older = arena->chunk;
    chunk->size = chunk_size;
    chunk->used = 0;
    arena->chunk = chunk;
    POISON(chunk->data, chunk->size);
    return chunk;
}

static void *take(struct arena *arena, size_t size, size_t alignment)
{
    if (size > arena->limit || arena->used > arena->limit - size)
        return NULL;
    struct arena_chunk *chunk = arena->chunk;
    size_t start = chunk ? (chunk->used + alignment - 1) & ~(alignment - 1) : 0;
    if (!chunk || start + size > chunk->size) {
        chunk = grow(arena, size);
        if (!chunk)
            return NULL;
        start = 0;
    }
    chunk->used = start + size;
    arena->used += size;
    UNPOISON(chunk->data + start, size);
    return chunk->data + start;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    void *memory = take(arena, size, 16);
    return memory ? memset(memory, 0, size) : NULL;
}

char *arena_alloc_bytes(struct arena *arena, size_t size)
{
    return take(arena, size, 1);
}

void *arena_alloc_array(struct arena *arena, size_t size, size_t count)
{
    size_t bytes;
    return __builtin_mul_overflow(size, count, &bytes) ? NULL : arena_alloc(arena, bytes);
}

error arena_copy(struct arena *arena, slice s, slice *out_copy)
{
    char *copy = arena_alloc_bytes(arena, s.size);
    TRY_MEMORY(copy);
    if (s.size)
        memcpy(copy, s.data, s.size);
    *out_copy = (slice){copy, s.size};
    return OK;
}

error arena_string(struct arena *arena, slice s, const char **out_string)
{
    if (slice_find_byte(s, '\0') >= 0)
        return error_make(ERROR_MALFORMED, "NUL in a string");
    char *copy = arena_alloc_bytes(arena, s.size + 1);
    TRY_MEMORY(copy);
    if (s.size)
        memcpy(copy, s.data, s.size);
    copy[s.size] = '\0';
    *out_string = copy;
    return OK;
}

/* Most texts are short: formatted once, on the stack. */
error arena_format(struct arena *arena, slice *out_text, const char *format, ...)
{
    char here[256];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(here, sizeof here, format, arguments);
    va_end(arguments);
    if (size < 0)
        return error_make(ERROR_BUG, "bad format");
    char *text = arena_alloc_bytes(arena, (size_t)size + 1);
    TRY_MEMORY(text);
    if ((size_t)size < sizeof here) {
        memcpy(text, here, (size_t)size + 1);
    } else {
        va_start(arguments, format);
        vsnprintf(text, (size_t)size + 1, format, arguments);
        va_end(arguments);
    }
    *out_text = (slice){text, (size_t)size};
    return OK;
}
