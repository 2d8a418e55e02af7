/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Each case runs in a child: what a process gave up it never gets back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/sandbox.h"
#include "server/seccomp.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static char open_folder[64], shut_folder[64];

/* The errno of an attempt to open, 0 where it worked. */
static int attempt(const char *folder, const char *name, int flags)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    int fd = open(path, flags, 0600);
    return fd < 0 ? errno : (close(fd), 0);
}

static int confined(void)
{
    struct sandbox sandbox;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || failed(sandbox_open(&sandbox)))
        return 10;
    if (failed(sandbox_allow(&sandbox, SANDBOX_WRITE, open_folder)) ||
        failed(sandbox_allow(&sandbox, SANDBOX_READ, "/etc/passwd")) ||
        failed(sandbox_allow(&sandbox, SANDBOX_WRITE, "/not/there")) ||
        failed(sandbox_allow(&sandbox, SANDBOX_WRITE, NULL)) || failed(sandbox_close(&sandbox)))
        return 11;
    if (attempt(open_folder, "new", O_WRONLY | O_CREAT) != 0)
        return 12;
    if (attempt(open_folder, "new", O_RDONLY) != 0)
        return 13;
    char from[128], to[128];
    snprintf(from, sizeof from, "%s/new", open_folder);
    snprintf(to, sizeof to, "%s/linked", open_folder);
    if (link(from, to) != 0 || unlink(from) != 0)
        return 14;
    if (attempt(shut_folder, "old", O_RDONLY) != EACCES)
        return 15;
    if (attempt(shut_folder, "new", O_WRONLY | O_CREAT) != EACCES)
        return 16;
    if (attempt("/etc", "passwd", O_RDONLY) != 0)
        return 17;
    if (attempt("/etc", "group", O_RDONLY) != EACCES)
        return 18;
    /* A symbolic link may be made where one may write; it leads nowhere one may not go. */
    snprintf(to, sizeof to, "%s/symbolic", open_folder);
    if (symlink("/etc", to) != 0 || attempt(to, "group", O_RDONLY) != EACCES)
        return 19;
    snprintf(to, sizeof to, "%s/symbolic", shut_folder);
    if (symlink("/etc", to) == 0)
        return 20;
    snprintf(to, sizeof to, "%s/pipe", open_folder);
    if (mkfifo(to, 0600) == 0)
        return 21;
    return 0;
}

static int forbidden(void)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || failed(seccomp_forbid()))
        return 10;
    if (unshare(CLONE_NEWUSER) == 0 || errno != EPERM)
        return 11;
    if (syscall(SYS_memfd_secret, 0) >= 0 || errno != EPERM) /* the last of the list */
        return 12;
    if (SECCOMP_FORBIDS_TRACING && (ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0 || errno != EPERM))
        return 13;
    if (attempt(open_folder, "new", O_WRONLY | O_CREAT) != 0 || getppid() < 0)
        return 14;
    return 0;
}

/* What the child says; it is another process for good. */
static int outcome_of(int (*in_child)(void))
{
    int status;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(in_child());
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void test_some_calls_are_forbidden(void **state)
{
    (void)state;
    assert_int_equal(outcome_of(forbidden), 0);
}

static void test_only_what_was_allowed(void **state)
{
    (void)state;
    struct sandbox sandbox;
    if (sandbox_open(&sandbox).kind == ERROR_NOT_FOUND)
        skip();
    close(sandbox.ruleset);
    assert_int_equal(attempt(shut_folder, "old", O_WRONLY | O_CREAT), 0);
    assert_int_equal(outcome_of(confined), 0);
    /* This process gave up nothing. */
    assert_int_equal(attempt(shut_folder, "old", O_RDONLY), 0);
}

static int set_up(void **state)
{
    (void)state;
    const char *folder = getenv("TMPDIR");
    snprintf(open_folder, sizeof open_folder, "%s/open-XXXXXX", folder ? folder : "/tmp");
    snprintf(shut_folder, sizeof shut_folder, "%s/shut-XXXXXX", folder ? folder : "/tmp");
    return mkdtemp(open_folder) && mkdtemp(shut_folder) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    char command[256];
    snprintf(command, sizeof command, "rm -rf '%s' '%s'", open_folder, shut_folder);
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_only_what_was_allowed),
                                       cmocka_unit_test(test_some_calls_are_forbidden)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
