#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A suspended flow of control: a stack pointer with the callee-saved registers pushed below it.
 * Private to runtime; fiber.c is the only user.
 *
 * Only what the ABI makes callee-saved is kept. The x87 control word and mxcsr are formally so too,
 * but nothing here ever changes rounding or exception masks, so every fiber has the thread's and
 * storing them would only cost time (an ldmxcsr is dearer than all the rest of the switch).
 */
#include "runtime/sanitizer.h"

#include <stddef.h>

struct context {
    void *stack_pointer;
#ifdef RUNTIME_ASAN
    void *fake_stack;
    const void *stack_low;
    size_t stack_size;
#endif
#ifdef RUNTIME_TSAN
    void *tsan;
#endif
};

/* switch_x86_64.S, switch_aarch64.S: pushes the callee-saved registers, stores the stack pointer at
 * *save, goes on where `load` was saved. */
void context_swap(void **save, void *load);
/* Where a new context begins: calls its function with its argument; never returns. */
void context_trampoline(void);

/* A context that will run `entry(argument)` on the stack [low, top) when first switched to; entry
 * must call context_entered first and never return. */
void context_make(struct context *context, void *low, void *top, void (*entry)(void *),
                  void *argument);
/* The running thread's own stack, so that it can be switched away from and back to. */
void context_adopt_thread(struct context *context);
/* Frees what the sanitizers hold for it; not while it runs. */
void context_forget(struct context *context);

/* First thing on a new stack. */
static inline void context_entered(void)
{
#ifdef RUNTIME_ASAN
    __sanitizer_finish_switch_fiber(NULL, NULL, NULL);
#endif
}

static inline void context_switch(struct context *from, struct context *to)
{
#ifdef RUNTIME_ASAN
    __sanitizer_start_switch_fiber(&from->fake_stack, to->stack_low, to->stack_size);
#endif
#ifdef RUNTIME_TSAN
    __tsan_switch_to_fiber(to->tsan, 0);
#endif
    context_swap(&from->stack_pointer, to->stack_pointer);
#ifdef RUNTIME_ASAN
    __sanitizer_finish_switch_fiber(from->fake_stack, NULL, NULL);
#endif
}

/* The last switch of a context: its stack may be used again as soon as `to` runs. */
static inline void context_leave(struct context *from, struct context *to)
{
#ifdef RUNTIME_ASAN
    __sanitizer_start_switch_fiber(NULL, to->stack_low, to->stack_size);
#endif
#ifdef RUNTIME_TSAN
    __tsan_switch_to_fiber(to->tsan, 0);
#endif
    context_swap(&from->stack_pointer, to->stack_pointer);
    __builtin_unreachable();
}
