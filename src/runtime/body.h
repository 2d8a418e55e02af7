#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The memory a message body is received into, parsed in and written from: contiguous, page-aligned,
 * growing without copying where the kernel can move pages. Pooled per core by size class. Owned by
 * one fiber; other cores may read it while the owner waits for them.
 */
#include "base/error.h"
#include "base/slice.h"

struct body {
    char *data;
    size_t size;          /* bytes of message */
    size_t capacity;      /* bytes that may be written at data */
    size_t size_max;      /* limit from birth */
    size_t size_expected; /* as announced, 0: not; a hint for whoever grows it */
};

/* Allocates nothing yet. */
void body_init(struct body *body, size_t size_max);
/* Room for `more` bytes after size. ERROR_LIMIT past size_max or the core's total
 * (bodies_bytes_max). */
error body_reserve(struct body *body, size_t more);
error body_append(struct body *body, slice data);
/* Gives the memory back to the core's pool: on the core that reserved it. Harmless when empty. */
void body_close(struct body *body);

static inline slice body_slice(const struct body *body)
{
    return (slice){body->data, body->size};
}

/* Bytes of bodies alive on this core, and their bound (default 1 GiB per core); set it on each core
 * as it starts. */
size_t body_bytes_alive(void);
void body_set_bytes_max(size_t bytes_max);
/* Frees what the calling thread's pool keeps; a core does so when it ends. */
void body_pool_drain(void);
