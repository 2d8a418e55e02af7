/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/random.h"

#include <stdbool.h>
#include <sys/random.h>

/* xoshiro256** (Blackman, Vigna 2018), seeded by splitmix64. */
static _Thread_local uint64_t state[4];
static _Thread_local bool seeded;

static uint64_t rotate(uint64_t x, int by)
{
    return x << by | x >> (64 - by);
}

void random_seed(uint64_t seed)
{
    for (int i = 0; i < 4; i++) {
        seed += 0x9e3779b97f4a7c15u;
        uint64_t z = seed;
        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
        z = (z ^ z >> 27) * 0x94d049bb133111ebu;
        state[i] = z ^ z >> 31;
    }
    seeded = true;
}

uint64_t random_u64(void)
{
    if (!seeded) {
        uint64_t seed = (uintptr_t)&seed;
        if (getrandom(&seed, sizeof seed, 0) != sizeof seed)
            seed ^= (uintptr_t)state;
        random_seed(seed);
    }
    uint64_t result = rotate(state[1] * 5, 7) * 9;
    uint64_t shifted = state[1] << 17;
    state[2] ^= state[0];
    state[3] ^= state[1];
    state[1] ^= state[2];
    state[0] ^= state[3];
    state[2] ^= shifted;
    state[3] = rotate(state[3], 45);
    return result;
}

uint64_t random_below(uint64_t bound)
{
    uint64_t reject_below = (0 - bound) % bound;
    uint64_t number;
    do
        number = random_u64();
    while (number < reject_below);
    return number % bound;
}
