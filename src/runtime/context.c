/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runtime/context.h"

#include <pthread.h>
#include <stdint.h>
#include <string.h>

/* The picture of the stack that context_swap expects, lowest address first. */
#if defined(__x86_64__)
struct frame {
    void *r15, *r14, *r13, *r12, *rbx, *rbp;
    void (*resume)(void);
    void *end[2]; /* zero: where a backtrace stops */
};
#elif defined(__aarch64__)
struct frame {
    void *x19, *x20, *x21, *x22, *x23, *x24, *x25, *x26, *x27, *x28;
    void *x29;
    void (*resume)(void); /* x30 */
    double d8, d9, d10, d11, d12, d13, d14, d15;
    void *end[2];
};
#else
#error "runtime/context.c: no context switch for this processor"
#endif

void context_make(struct context *context, void *low, void *top, void (*entry)(void *),
                  void *argument)
{
    uintptr_t aligned = (uintptr_t)top & ~(uintptr_t)15;
    struct frame *frame = (struct frame *)(aligned - sizeof(struct frame));
    memset(frame, 0, sizeof *frame);
#if defined(__x86_64__)
    frame->r12 = (void *)(uintptr_t)entry;
    frame->r13 = argument;
#else
    frame->x19 = (void *)(uintptr_t)entry;
    frame->x20 = argument;
#endif
    frame->resume = context_trampoline;
    context_forget(context);
    context->stack_pointer = frame;
#ifdef RUNTIME_ASAN
    context->stack_low = low;
    context->stack_size = (size_t)((char *)top - (char *)low);
    /* Whoever had this stack before never returned from its last frames. */
    __asan_unpoison_memory_region(low, context->stack_size);
#else
    (void)low;
#endif
#ifdef RUNTIME_TSAN
    context->tsan = __tsan_create_fiber(0);
#endif
}

void context_adopt_thread(struct context *context)
{
    *context = (struct context){0};
#ifdef RUNTIME_ASAN
    pthread_attr_t attributes;
    void *low = NULL;
    size_t size = 0;
    if (pthread_getattr_np(pthread_self(), &attributes) == 0) {
        pthread_attr_getstack(&attributes, &low, &size);
        pthread_attr_destroy(&attributes);
    }
    context->stack_low = low;
    context->stack_size = size;
#endif
#ifdef RUNTIME_TSAN
    context->tsan = __tsan_get_current_fiber();
#endif
}

void context_forget(struct context *context)
{
#ifdef RUNTIME_TSAN
    if (context->tsan)
        __tsan_destroy_fiber(context->tsan);
#endif
    *context = (struct context){0};
}
