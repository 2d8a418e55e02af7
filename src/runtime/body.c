/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runtime/body.h"

#include "base/assert.h"
#include "base/metric.h"
#include "runtime/sanitizer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

METRIC_GAUGE(body_bytes, "ringmail_body_bytes", "", "Memory held by message bodies");
METRIC_COUNTER(body_refused, "ringmail_body_refused_total", "",
               "Bodies refused because the core's total was used up");

/* Below MAPPED_MIN a body lives in a pooled block of its class and growing copies (at most 128
 * KiB); from there on in a mapping of its own, which the kernel moves by page table. */
enum {
    PAGE_SIZE = 4096,
    CLASS_SIZE_MIN = 16 * 1024,
    CLASS_COUNT = 4,
    MAPPED_MIN = CLASS_SIZE_MIN << CLASS_COUNT,
    POOLED_BYTES_MAX = 16 * 1024 * 1024, /* kept per thread for reuse */
};
#define BYTES_MAX_DEFAULT ((size_t)1 << 30)
/* Mappings grow by half of what they have, so that a long body takes few calls and wastes little.
 */

struct block {
    struct block *next;
};

static _Thread_local struct block *pool[CLASS_COUNT];
static _Thread_local size_t pooled_bytes;
static _Thread_local size_t bytes_alive;
static _Thread_local size_t bytes_max = BYTES_MAX_DEFAULT;

static unsigned class_of(size_t capacity)
{
    unsigned class = 0;
    while (((size_t)CLASS_SIZE_MIN << class) < capacity)
        class ++;
    return class;
}

static char *block_take(unsigned class)
{
    size_t size = (size_t)CLASS_SIZE_MIN << class;
    struct block *block = pool[class];
    if (!block)
        return aligned_alloc(PAGE_SIZE, size);
    pool[class] = block->next;
    pooled_bytes -= size;
    return (char *)block;
}

static void block_give(char *data, unsigned class)
{
    size_t size = (size_t)CLASS_SIZE_MIN << class;
    if (pooled_bytes + size > POOLED_BYTES_MAX) {
        free(data);
        return;
    }
    struct block *block = (struct block *)(void *)data;
    block->next = pool[class];
    pool[class] = block;
    pooled_bytes += size;
}

static void release(char *data, size_t capacity)
{
    if (!data)
        return;
    if (capacity >= MAPPED_MIN)
        munmap(data, capacity);
    else
        block_give(data, class_of(capacity));
}

void body_pool_drain(void)
{
    for (unsigned class = 0; class < CLASS_COUNT; class ++) {
        struct block *block;
        while ((block = pool[class])) {
            pool[class] = block->next;
            free(block);
        }
    }
    pooled_bytes = 0;
}

void body_init(struct body *body, size_t size_max)
{
    *body = (struct body){.size_max = size_max};
}

static size_t capacity_for(const struct body *body, size_t needed)
{
    if (needed < MAPPED_MIN && class_of(needed) < CLASS_COUNT)
        return (size_t)CLASS_SIZE_MIN << class_of(needed);
    size_t grown = body->capacity + body->capacity / 2;
    size_t wanted = grown > needed ? grown : needed;
    size_t page_limit = (body->size_max + PAGE_SIZE - 1) & ~(size_t)(PAGE_SIZE - 1);
    if (wanted > page_limit)
        wanted = page_limit;
    if (wanted < MAPPED_MIN)
        wanted = MAPPED_MIN;
    return (wanted + PAGE_SIZE - 1) & ~(size_t)(PAGE_SIZE - 1);
}

static char *move_to(const struct body *body, size_t capacity)
{
#ifndef RUNTIME_TSAN /* which does not know mremap and mistakes the new place's past for a race */
    if (capacity >= MAPPED_MIN && body->capacity >= MAPPED_MIN) {
        char *moved = mremap(body->data, body->capacity, capacity, MREMAP_MAYMOVE);
        return moved == MAP_FAILED ? NULL : moved;
    }
#endif
    char *fresh;
    if (capacity >= MAPPED_MIN) {
        fresh = mmap(NULL, capacity, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        fresh = fresh == MAP_FAILED ? NULL : fresh;
    } else {
        fresh = block_take(class_of(capacity));
    }
    if (fresh && body->size)
        memcpy(fresh, body->data, body->size);
    if (fresh)
        release(body->data, body->capacity);
    return fresh;
}

error body_reserve(struct body *body, size_t more)
{
    if (more > body->size_max || body->size > body->size_max - more)
        return error_make(ERROR_LIMIT, "message body too large");
    size_t needed = body->size + more;
    if (needed <= body->capacity)
        return OK;
    size_t capacity = capacity_for(body, needed);
    size_t added = capacity - body->capacity;
    if (bytes_alive > bytes_max || added > bytes_max - bytes_alive) {
        metric_add(&body_refused, 1);
        return error_make(ERROR_LIMIT, "memory for message bodies is used up");
    }
    char *data = move_to(body, capacity);
    if (!data)
        return error_system(ENOMEM, "no memory for a message body");
    body->data = data;
    body->capacity = capacity;
    bytes_alive += added;
    metric_add(&body_bytes, (int64_t)added);
    return OK;
}

error body_append(struct body *body, slice data)
{
    TRY(body_reserve(body, data.size));
    if (data.size)
        memcpy(body->data + body->size, data.data, data.size);
    body->size += data.size;
    return OK;
}

void body_close(struct body *body)
{
    if (!body->data)
        return;
    release(body->data, body->capacity);
    ASSERT(bytes_alive >= body->capacity); /* closed on the core that filled it */
    bytes_alive -= body->capacity;
    metric_add(&body_bytes, -(int64_t)body->capacity);
    *body = (struct body){.size_max = body->size_max};
}

size_t body_bytes_alive(void)
{
    return bytes_alive;
}

void body_set_bytes_max(size_t limit)
{
    bytes_max = limit;
}
