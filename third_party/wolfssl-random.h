/* SPDX-License-Identifier: GPL-3.0-or-later
 * What wolfSSL takes random numbers from, compiled into each of its files: the kernel, at each
 * request. Its own generator would be seeded for every session (four system calls, 12 µs of CPU),
 * and each thread's memory would hold the state that all secrets of a session follow from. */
#pragma once
#ifndef __ASSEMBLER__
#include <errno.h>
#include <sys/random.h>

static inline int ringmail_random(unsigned char *out, unsigned int size)
{
    while (size > 0) {
        ssize_t got = getrandom(out, size, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return -1;
        out += got;
        size -= (unsigned int)got;
    }
    return 0;
}
#endif
