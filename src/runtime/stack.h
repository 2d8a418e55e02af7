#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Fiber stacks of one core: cut from large mappings, reused last in first out, each above a guard
 * page. The owner (struct fiber) lies in the same memory, at its top, so that an idle fiber costs
 * one page. Private to runtime.
 *
 * A guard is made by MADV_GUARD_INSTALL where the kernel has it (6.13): the mapping stays whole.
 * Older kernels need mprotect, which splits it: two areas a stack, and vm.max_map_count (65,530 by
 * default) then bounds the fibers of the whole process to some 32,000.
 */
#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

enum {
    STACK_SIZE_DEFAULT = 64 * 1024,
    STACK_SIZE_MIN = 16 * 1024,
    STACK_OWNER_SIZE = 512, /* bytes for the owner at the top, struct stack included */
    STACKS_PER_SLAB = 64,
    STACKS_WARM_MAX = 1024, /* free stacks that keep their pages; more give them back */
};

struct stack {
    struct stack *next; /* while free */
    char *low;          /* first usable byte, above the guard page */
};

void stacks_begin(size_t stack_size);
/* Unmaps all; none may be in use. `forget` is called for each stack ever used. */
void stacks_end(void (*forget)(struct stack *stack));

/* NULL where the kernel has no memory or no more areas. */
struct stack *stack_take(void);
/* May be called on the stack itself, as the last thing before it is left for good. */
void stack_give(struct stack *stack);
/* Where the stack begins to grow down from. */
static inline void *stack_top(struct stack *stack)
{
    return stack;
}
/* Gives back the pages below `used_down_to`. */
void stack_trim(struct stack *stack, const void *used_down_to);

/* Notes how deep it was used. */
void stack_measure(const struct stack *stack);

/* Deepest use seen so far (sampled, whole pages), and free stacks. */
uint32_t stacks_high_bytes(void);
uint32_t stacks_pooled(void);
