#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What every processor's context switch must do, without cmocka, so that it also runs as a static
 * program under qemu-user. context_exercise() gives NULL or what went wrong.
 */
#include "runtime/context.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unwind.h>

enum { EXERCISE_CONTEXTS = 5, EXERCISE_ROUNDS = 2000, EXERCISE_STACK = 256 * 1024 };

struct exercise {
    struct context context;
    struct context *back;
    uint64_t seed;
    unsigned rounds;
    const char *problem;
};

static const char *exercise_failure(struct exercise *exercise, const char *problem)
{
    return exercise->problem = problem;
}

/* More integers and floating-point numbers alive across the switch than there are callee-saved
 * registers, each with a value of its own. */
static __attribute__((noinline)) bool exercise_registers(struct exercise *exercise)
{
    volatile uint64_t seed = exercise->seed++;
    uint64_t a = seed * 3, b = seed * 5, c = seed * 7, d = seed * 11, e = seed * 13, f = seed * 17,
             g = seed * 19, h = seed * 23, i = seed * 29, j = seed * 31, k = seed * 37;
    double p = (double)seed + 1, q = (double)seed + 2, r = (double)seed + 3, s = (double)seed + 4,
           t = (double)seed + 5, u = (double)seed + 6, v = (double)seed + 7, w = (double)seed + 8,
           x = (double)seed + 9;
    context_switch(&exercise->context, exercise->back);
    /* `seed` is volatile: everything is computed anew. */
    return a == seed * 3 && b == seed * 5 && c == seed * 7 && d == seed * 11 && e == seed * 13 &&
           f == seed * 17 && g == seed * 19 && h == seed * 23 && i == seed * 29 && j == seed * 31 &&
           k == seed * 37 && p == (double)seed + 1 && q == (double)seed + 2 &&
           r == (double)seed + 3 && s == (double)seed + 4 && t == (double)seed + 5 &&
           u == (double)seed + 6 && v == (double)seed + 7 && w == (double)seed + 8 &&
           x == (double)seed + 9;
}

static _Unwind_Reason_Code exercise_count_frame(struct _Unwind_Context *context, void *argument)
{
    (void)context;
    unsigned *frames = argument;
    return ++*frames > 50 ? _URC_END_OF_STACK : _URC_NO_REASON;
}

static __attribute__((noinline)) bool exercise_deep(struct exercise *exercise, unsigned depth)
{
    char text[64], expected[64];
    snprintf(text, sizeof text, "%u %.3f", depth, (double)exercise->seed / 7); /* wants alignment */
    memcpy(expected, text, sizeof text);
    bool fine = depth > 0 ? exercise_deep(exercise, depth - 1) : exercise_registers(exercise);
    return fine && strcmp(text, expected) == 0;
}

static void exercise_entry(void *argument)
{
    context_entered();
    struct exercise *exercise = argument;
    unsigned frames = 0;
    if ((uintptr_t)__builtin_frame_address(0) % 16 != 0)
        exercise_failure(exercise, "the first frame is not aligned to 16");
    _Unwind_Backtrace(exercise_count_frame, &frames);
    if (frames == 0 || frames > 10)
        exercise_failure(exercise, "a backtrace does not end at the trampoline");
    while (true) {
        if (!exercise_registers(exercise))
            exercise_failure(exercise, "a register changed across a switch");
        if (!exercise_deep(exercise, exercise->rounds % 16))
            exercise_failure(exercise, "the stack changed across a switch");
        exercise->rounds++;
    }
}

static const char *context_exercise(void)
{
    static struct exercise exercises[EXERCISE_CONTEXTS];
    struct context here;
    context_adopt_thread(&here);
    char *stacks = mmap(NULL, (size_t)EXERCISE_CONTEXTS * EXERCISE_STACK, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (stacks == MAP_FAILED)
        return "no memory for stacks";
    for (unsigned i = 0; i < EXERCISE_CONTEXTS; i++) {
        struct exercise *exercise = &exercises[i];
        *exercise = (struct exercise){.back = &here, .seed = i * 1000003ULL};
        char *low = stacks + (size_t)i * EXERCISE_STACK;
        /* Tops need not be aligned. */
        context_make(&exercise->context, low, low + EXERCISE_STACK - i * 8, exercise_entry,
                     exercise);
    }
    for (unsigned round = 0; round < EXERCISE_ROUNDS; round++)
        for (unsigned i = 0; i < EXERCISE_CONTEXTS; i++) {
            context_switch(&here, &exercises[i].context);
            if (exercises[i].problem)
                return exercises[i].problem;
        }
    for (unsigned i = 0; i < EXERCISE_CONTEXTS; i++) {
        if (exercises[i].rounds != EXERCISE_ROUNDS / 2 - 1)
            return "a context did not get as far as it should";
        context_forget(&exercises[i].context);
    }
    munmap(stacks, (size_t)EXERCISE_CONTEXTS * EXERCISE_STACK);
    return NULL;
}
