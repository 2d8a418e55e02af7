#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A growing byte buffer with a maximum from birth. Writers append without checking each step: the
 * first failure sticks, later appends do nothing, and buffer_check tells at the end. Owned by one
 * fiber.
 */
#include "base/error.h"
#include "base/slice.h"

struct buffer {
    char *data;
    size_t size;     /* bytes written */
    size_t capacity; /* bytes allocated */
    size_t size_max;
    bool overflow; /* sticky */
};

/* Allocates nothing yet. */
void buffer_init(struct buffer *buffer, size_t size_max);
/* Frees; may be used again. */
void buffer_close(struct buffer *buffer);
/* Empties and clears the sticky failure; keeps the memory up to 16 KiB. */
void buffer_reset(struct buffer *buffer);

void buffer_add(struct buffer *buffer, slice s);
void buffer_add_byte(struct buffer *buffer, char byte);
void buffer_add_string(struct buffer *buffer, const char *string);
void buffer_add_u64(struct buffer *buffer, uint64_t number);
void buffer_add_i64(struct buffer *buffer, int64_t number);
void buffer_format(struct buffer *buffer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Room for `size` more bytes to be written by the caller, then buffer_commit; NULL at the maximum
 * (sticky). */
char *buffer_reserve(struct buffer *buffer, size_t size);
void buffer_commit(struct buffer *buffer, size_t size);
/* Drops the first `size` bytes (moves the rest down). */
void buffer_consume(struct buffer *buffer, size_t size);
/* Back to an earlier size. */
void buffer_truncate(struct buffer *buffer, size_t size);

/* ERROR_LIMIT if anything was lost since the last reset. */
error buffer_check(const struct buffer *buffer);

static inline slice buffer_slice(const struct buffer *buffer)
{
    return (slice){buffer->data, buffer->size};
}
