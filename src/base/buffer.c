/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/buffer.h"

#include "base/assert.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { CAPACITY_MIN = 256, CAPACITY_KEPT_MAX = 16 * 1024 };

void buffer_init(struct buffer *buffer, size_t size_max)
{
    *buffer = (struct buffer){.size_max = size_max};
}

void buffer_close(struct buffer *buffer)
{
    free(buffer->data);
    *buffer = (struct buffer){.size_max = buffer->size_max};
}

void buffer_reset(struct buffer *buffer)
{
    buffer->size = 0;
    buffer->overflow = false;
    if (buffer->capacity > CAPACITY_KEPT_MAX)
        buffer_close(buffer);
}

char *buffer_reserve(struct buffer *buffer, size_t size)
{
    if (buffer->overflow)
        return NULL;
    if (size > buffer->size_max || buffer->size > buffer->size_max - size) {
        buffer->overflow = true;
        return NULL;
    }
    size_t needed = buffer->size + size;
    if (needed > buffer->capacity || !buffer->data) {
        size_t capacity = buffer->capacity ? buffer->capacity * 2 : CAPACITY_MIN;
        if (capacity < needed)
            capacity = needed;
        char *data = realloc(buffer->data, capacity);
        if (!data) {
            buffer->overflow = true;
            return NULL;
        }
        buffer->data = data;
        buffer->capacity = capacity;
    }
    return buffer->data + buffer->size;
}

void buffer_commit(struct buffer *buffer, size_t size)
{
    ASSERT(size <= buffer->capacity - buffer->size);
    buffer->size += size;
}

void buffer_add(struct buffer *buffer, slice s)
{
    char *room = buffer_reserve(buffer, s.size);
    if (!room)
        return;
    if (s.size)
        memcpy(room, s.data, s.size);
    buffer->size += s.size;
}

void buffer_add_byte(struct buffer *buffer, char byte)
{
    bool has_room = buffer->size < buffer->capacity && buffer->size < buffer->size_max;
    if (has_room && !buffer->overflow)
        buffer->data[buffer->size++] = byte;
    else
        buffer_add(buffer, (slice){&byte, 1});
}

void buffer_add_string(struct buffer *buffer, const char *string)
{
    buffer_add(buffer, slice_from_string(string));
}

void buffer_add_u64(struct buffer *buffer, uint64_t number)
{
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number);
    buffer_add(buffer, (slice){digits + at, sizeof digits - at});
}

void buffer_add_i64(struct buffer *buffer, int64_t number)
{
    if (number < 0)
        buffer_add_byte(buffer, '-');
    buffer_add_u64(buffer, number < 0 ? 0 - (uint64_t)number : (uint64_t)number);
}

/* Into the room there is; where that is too little, again into as much as it takes. */
void buffer_format(struct buffer *buffer, const char *format, ...)
{
    if (buffer->overflow)
        return;
    size_t left = buffer->capacity - buffer->size;
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(left ? buffer->data + buffer->size : NULL, left, format, arguments);
    va_end(arguments);
    char *room = size < 0 ? NULL : buffer_reserve(buffer, (size_t)size + 1);
    if (!room) {
        buffer->overflow = true;
        return;
    }
    if ((size_t)size >= left) {
        va_start(arguments, format);
        vsnprintf(room, (size_t)size + 1, format, arguments);
        va_end(arguments);
    }
    buffer->size += (size_t)size;
}

void buffer_consume(struct buffer *buffer, size_t size)
{
    ASSERT(size <= buffer->size);
    buffer->size -= size;
    if (buffer->size)
        memmove(buffer->data, buffer->data + size, buffer->size);
}

void buffer_truncate(struct buffer *buffer, size_t size)
{
    ASSERT(size <= buffer->size);
    buffer->size = size;
}

error buffer_check(const struct buffer *buffer)
{
    return buffer->overflow ? error_make(ERROR_LIMIT, "buffer is full") : OK;
}
