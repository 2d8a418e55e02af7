#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Tests that need whole cores: some of them, or a process of their own that ends in the middle of
 * things, as kill -9 ends it.
 */
#include "check.h"

#include "runtime/core.h"

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

/* Runs `main` on so many cores, to their end; with more than one it calls cores_stop itself. */
static inline void on_cores(unsigned count, void (*main)(void *argument))
{
    struct core_options options = {.count = count};
    if (count == 1) {
        assert_ok(core_run_here(&options, main, NULL));
        return;
    }
    assert_ok(cores_start(&options, main, NULL));
    cores_join();
}

/* `run` must not return: it ends by _exit(0). */
static inline void in_killed_process(void (*run)(void))
{
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        run();
        fprintf(stderr, "the body returned\n");
        _exit(1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}
