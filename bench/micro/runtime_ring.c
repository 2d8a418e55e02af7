/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The way through the ring: requests that do nothing, one at a time and many together; a byte over
 * a socket and back; a job on a worker.
 */
#include "micro/measure.h"

#include "runtime/crew.h"
#include "runtime/fiber.h"
#include "runtime/ring.h"
#include "runtime/ring_operation.h"
#include "runtime/worker.h"

#include <errno.h>
#include <unistd.h>

enum { ROUNDS = 300000 };

static unsigned left;

static void nops(void *argument)
{
    (void)argument;
    while (left > 0) {
        left--;
        struct ring_operation operation;
        struct io_uring_sqe *entry = ring_entry();
        io_uring_prep_nop(entry);
        error_ignore(ring_operation_run(&operation, entry, TIME_NEVER, "nop"));
    }
}

/* *argument: how many fibers do so at once */
static double nops_once(void *argument)
{
    struct crew crew;
    crew_init(&crew, NULL);
    left = ROUNDS;
    int64_t began = cpu_now();
    for (unsigned i = 0; i < *(unsigned *)argument; i++)
        error_ignore(fiber_start(&crew, "nops", nops, NULL));
    error_ignore(crew_join(&crew, TIME_NEVER));
    double each = (double)(cpu_now() - began) / ROUNDS;
    crew_close(&crew);
    return each;
}

static int ends[2];

static void echo(void *argument)
{
    (void)argument;
    char text[64];
    size_t size;
    while (!failed(ring_receive(ends[1], text, sizeof text, TIME_NEVER, &size)))
        error_ignore(ring_send(ends[1], slice_of(text, size), TIME_NEVER));
}

static instant never(void)
{
    return TIME_NEVER;
}

static instant in_five_minutes(void)
{
    return time_after(300 * TIME_S);
}

/* argument: gives the deadlines */
static double echo_once(void *argument)
{
    instant (*deadline)(void) = argument;
    struct crew crew;
    crew_init(&crew, NULL);
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0)
        give_up(error_system(errno, "socketpair"));
    error_ignore(fiber_start(&crew, "echo", echo, NULL));
    char text[64] = {0};
    size_t size;
    int64_t began = cpu_now();
    for (unsigned i = 0; i < ROUNDS / 4; i++) {
        error_ignore(ring_send(ends[0], slice_of(text, sizeof text), deadline()));
        error_ignore(ring_receive(ends[0], text, sizeof text, deadline(), &size));
    }
    double each = (double)(cpu_now() - began) / (ROUNDS / 4.0);
    crew_close(&crew);
    close(ends[0]);
    close(ends[1]);
    return each;
}

static error job(void *argument)
{
    (void)argument;
    return OK;
}

static void measure_worker(void)
{
    enum { JOBS = 20000 };
    instant began = time_now();
    for (unsigned i = 0; i < JOBS; i++)
        error_ignore(worker_run(WORKER_FILE, job, NULL));
    report("worker_round_trip", (double)(time_now() - began) / JOBS / 1000, "us");
}

static unsigned jobs_left;

static void run_jobs(void *argument)
{
    (void)argument;
    while (jobs_left > 0) {
        jobs_left--;
        error_ignore(worker_run(WORKER_FILE, job, NULL));
    }
}

static void measure_many_workers(void)
{
    enum { JOBS = 200000 };
    struct crew crew;
    crew_init(&crew, NULL);
    jobs_left = JOBS;
    instant began = time_now();
    for (unsigned i = 0; i < 64; i++)
        error_ignore(fiber_start(&crew, "jobs", run_jobs, NULL));
    error_ignore(crew_join(&crew, TIME_NEVER));
    report("worker_job_64_at_once", (double)(time_now() - began) / JOBS / 1000, "us");
    crew_close(&crew);
}

static void run(void *argument)
{
    (void)argument;
    report_best("ring_nop_round_trip", nops_once, &(unsigned){1});
    report_best("ring_nop_64_at_once", nops_once, &(unsigned){64});
    report_best("socket_echo_64_bytes", echo_once, never);
    report_best("socket_echo_64_bytes_with_deadlines", echo_once, in_five_minutes);
    measure_worker();
    measure_many_workers();
}

int main(void)
{
    run_on_a_core(run);
}
