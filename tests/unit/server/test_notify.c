/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check.h"

#include "server/notify.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* What a manager that listens at `path` ('@' first: abstract) is told. */
static void assert_told(const char *path, const char *state)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char text[256];
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    memcpy(address.sun_path, path, strlen(path));
    if (path[0] == '@')
        address.sun_path[0] = '\0';
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    setenv("NOTIFY_SOCKET", path, 1);
    notify_system(state);
    ssize_t got = recv(fd, text, sizeof text - 1, 0);
    assert_true(got > 0);
    text[got] = '\0';
    assert_int_equal(strncmp(text, state, strlen(state)), 0);
    assert_non_null(strstr(text, "\nMONOTONIC_USEC="));
    close(fd);
}

static void test_manager_is_told(void **state)
{
    (void)state;
    char path[100];
    const char *folder = getenv("TMPDIR");
    snprintf(path, sizeof path, "%s/notify-%d", folder ? folder : "/tmp", getpid());
    assert_told(path, "READY=1");
    unlink(path);
    snprintf(path, sizeof path, "@ringmail-test-%d", getpid());
    assert_told(path, "RELOADING=1");
}

static void test_nobody_listens(void **state)
{
    (void)state;
    unsetenv("NOTIFY_SOCKET");
    notify_system("READY=1");
    setenv("NOTIFY_SOCKET", "relative", 1);
    notify_system("READY=1");
    setenv("NOTIFY_SOCKET", "/nowhere/at/all", 1);
    notify_system("READY=1");
    char longest[200];
    memset(longest, 'x', sizeof longest);
    longest[0] = '/';
    longest[sizeof longest - 1] = '\0';
    setenv("NOTIFY_SOCKET", longest, 1);
    notify_system("READY=1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_manager_is_told),
        cmocka_unit_test(test_nobody_listens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
