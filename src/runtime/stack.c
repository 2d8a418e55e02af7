/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runtime/stack.h"

#include "base/assert.h"
#include "base/metric.h"
#include "runtime/sanitizer.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif

METRIC_HISTOGRAM(stack_used, "ringmail_fiber_stack_bytes", "",
                 "Stack used by ended and trimmed fibers (a sample, whole pages)");
METRIC_GAUGE(stacks_mapped, "ringmail_fiber_stacks", "", "Fiber stacks made");

enum {
    STACK_PAGE = 4096,
    SAMPLE_EVERY = 64, /* one in so many ended fibers has its stack measured */
    COLOUR_STEP = 64,
    COLOURS = 8,
    PAGES_MAX = 1024,
};

/* Sanitizers make frames several times as large. */
#if defined(RUNTIME_ASAN) || defined(RUNTIME_TSAN)
enum { SANITIZER_FACTOR = 8, FRAME_MARGIN = 8192 };
#else
enum { SANITIZER_FACTOR = 1, FRAME_MARGIN = 1024 };
#endif

struct slab {
    struct slab *next;
    char *memory;
    unsigned used; /* stacks handed out at least once */
};

static _Thread_local struct {
    struct slab *slabs;        /* only the first may have unused stacks */
    struct stack *warm, *cold; /* free: with and without their pages */
    size_t stack_size;
    uint32_t warm_count, cold_count;
    uint32_t high_bytes;
    uint32_t given; /* for sampling */
} pool;

void stacks_begin(size_t stack_size)
{
    memset(&pool, 0, sizeof pool);
    size_t size = stack_size ? stack_size : (size_t)STACK_SIZE_DEFAULT * SANITIZER_FACTOR;
    if (size < (size_t)STACK_SIZE_MIN * SANITIZER_FACTOR)
        size = (size_t)STACK_SIZE_MIN * SANITIZER_FACTOR;
    pool.stack_size = (size + STACK_PAGE - 1) & ~(size_t)(STACK_PAGE - 1);
}

/* Stacks start at different cache sets, or the top frames of all fibers would share one. */
static struct stack *place(const struct slab *slab, unsigned index)
{
    char *end = slab->memory + (index + 1) * pool.stack_size;
    size_t colour = (size_t)(index % COLOURS) * COLOUR_STEP;
    return (struct stack *)(void *)(end - STACK_OWNER_SIZE - colour);
}

void stacks_end(void (*forget)(struct stack *stack))
{
    struct slab *slab;
    while ((slab = pool.slabs)) {
        pool.slabs = slab->next;
        for (unsigned i = 0; i < slab->used; i++)
            forget(place(slab, i));
        metric_add(&stacks_mapped, -(int64_t)slab->used);
#ifdef RUNTIME_ASAN
        __asan_unpoison_memory_region(slab->memory, pool.stack_size * STACKS_PER_SLAB);
#endif
        munmap(slab->memory, pool.stack_size * STACKS_PER_SLAB);
        free(slab);
    }
    pool.warm = pool.cold = NULL;
    pool.warm_count = pool.cold_count = 0;
}

static struct slab *slab_make(void)
{
    struct slab *slab = malloc(sizeof *slab);
    if (!slab)
        return NULL;
    size_t size = pool.stack_size * STACKS_PER_SLAB;
    char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (memory == MAP_FAILED) {
        free(slab);
        return NULL;
    }
    /* A huge page would make every stack in it resident at once. */
    madvise(memory, size, MADV_NOHUGEPAGE);
    *slab = (struct slab){pool.slabs, memory, 0};
    return pool.slabs = slab;
}

static bool guard(char *page)
{
    static _Atomic bool guard_pages_missing;
    if (!guard_pages_missing) {
        if (madvise(page, STACK_PAGE, MADV_GUARD_INSTALL) == 0)
            return true;
        guard_pages_missing = true;
    }
    return mprotect(page, STACK_PAGE, PROT_NONE) == 0;
}

struct stack *stack_take(void)
{
    struct stack *stack = pool.warm ? pool.warm : pool.cold;
    if (stack) {
        struct stack **list = pool.warm ? &pool.warm : &pool.cold;
        --*(pool.warm ? &pool.warm_count : &pool.cold_count);
        *list = stack->next;
        return stack;
    }
    struct slab *slab = pool.slabs;
    if (!slab || slab->used == STACKS_PER_SLAB)
        slab = slab_make();
    if (!slab || !guard(slab->memory + slab->used * pool.stack_size))
        return NULL;
    stack = place(slab, slab->used);
    stack->low = slab->memory + slab->used * pool.stack_size + STACK_PAGE;
    slab->used++;
    metric_add(&stacks_mapped, 1);
    return stack;
}

/* What is resident was used since the last trim. */
void stack_measure(const struct stack *stack)
{
    unsigned char resident[PAGES_MAX];
    size_t pages = pool.stack_size / STACK_PAGE - 1;
    if (pages > PAGES_MAX || mincore(stack->low, pages * STACK_PAGE, resident) != 0)
        return;
    size_t untouched = 0;
    while (untouched < pages && !(resident[untouched] & 1))
        untouched++;
    uint32_t bytes = (uint32_t)((pages - untouched) * STACK_PAGE);
    metric_observe(&stack_used, bytes);
    if (bytes > pool.high_bytes)
        pool.high_bytes = bytes;
}

void stack_give(struct stack *stack)
{
    if (pool.given++ % SAMPLE_EVERY == 0)
        stack_measure(stack);
    if (pool.warm_count < STACKS_WARM_MAX) {
        stack->next = pool.warm;
        pool.warm = stack;
        pool.warm_count++;
        return;
    }
    stack_trim(stack, __builtin_frame_address(0));
    stack->next = pool.cold;
    pool.cold = stack;
    pool.cold_count++;
}

void stack_trim(struct stack *stack, const void *used_down_to)
{
    uintptr_t end = ((uintptr_t)used_down_to - FRAME_MARGIN) & ~(uintptr_t)(STACK_PAGE - 1);
    uintptr_t low = (uintptr_t)stack->low;
    if (end <= low)
        return;
    /* syscall and not madvise: a wrapper with a large frame (a sanitizer's) would stand on what is
     * dropped. */
    syscall(SYS_madvise, low, end - low, MADV_DONTNEED);
}

uint32_t stacks_high_bytes(void)
{
    return pool.high_bytes;
}

uint32_t stacks_pooled(void)
{
    return pool.warm_count + pool.cold_count;
}
