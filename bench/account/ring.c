/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Preloaded into a server that runs under valgrind. Valgrind lets one thread run at a time and
 * gives its lock away only in system calls that it knows to block; io_uring_enter is none of them,
 * so a core that sleeps in it would stop all the others. Here it looks every half millisecond
 * instead, and sleeps in between. */
#include <errno.h>
#include <liburing.h>
#include <time.h>

enum { STEP_NS = 500000 };

int io_uring_submit_and_wait_timeout(struct io_uring *ring, struct io_uring_cqe **out,
                                     unsigned wanted, struct __kernel_timespec *timeout,
                                     sigset_t *mask)
{
    (void)wanted, (void)mask; /* one, none: as the runtime asks */
    long long left = timeout ? timeout->tv_sec * 1000000000LL + timeout->tv_nsec : -1;
    int submitted = io_uring_submit_and_get_events(ring);
    while (submitted >= 0 && io_uring_peek_cqe(ring, out) != 0) {
        if (left == 0)
            return -ETIME;
        long long step = left > 0 && left < STEP_NS ? left : STEP_NS;
        nanosleep(&(struct timespec){0, step}, NULL);
        left -= left > 0 ? step : 0;
        io_uring_get_events(ring);
    }
    return submitted;
}
