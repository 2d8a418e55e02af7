/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runtime/in_core.h"
#include "scratch.h"

#include "runtime/body.h"
#include "runtime/file.h"
#include "runtime/ring.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct scratch directory;

static const char *in_directory(const char *name)
{
    static char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", directory.path, name);
    return path;
}

static int set_up(void **state)
{
    (void)state;
    scratch_make(&directory);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    scratch_remove(&directory);
    return 0;
}

CORE_TEST(test_replaces_and_reads)
{
    struct arena arena;
    arena_init(&arena, 1 << 20);
    const char *path = in_directory("settings");
    slice content;
    assert_error(file_read(path, 1000, &arena, &content), ERROR_NOT_FOUND);
    assert_ok(file_replace(path, SLICE("first"), 0640));
    assert_ok(file_replace(path, SLICE("second version"), 0640));
    assert_ok(file_read(path, 14, &arena, &content));
    assert_slice(content, "second version");
    assert_error(file_read(path, 13, &arena, &content), ERROR_LIMIT);
    struct stat facts;
    assert_int_equal(stat(path, &facts), 0);
    assert_int_equal(facts.st_mode & 0777, 0640);
    assert_ok(file_replace(path, SLICE_EMPTY, 0640));
    assert_ok(file_read(path, 13, &arena, &content));
    assert_int_equal(content.size, 0);
    assert_error(file_read(directory.path, 1000, &arena, &content), ERROR_SYSTEM);
    assert_error(file_replace(in_directory("missing/file"), SLICE("x"), 0600), ERROR_NOT_FOUND);
    arena_close(&arena);
}

/* Files of /proc say that they are empty. */
CORE_TEST(test_reads_files_without_a_size)
{
    struct arena arena;
    arena_init(&arena, 1 << 20);
    slice content;
    assert_ok(file_read("/proc/self/status", 1 << 16, &arena, &content));
    assert_true(slice_starts(content, SLICE("Name:")));
    assert_true(slice_find(content, SLICE("Threads:")) > 0);
    assert_error(file_read("/proc/self/status", 100, &arena, &content), ERROR_LIMIT);
    arena_close(&arena);
}

CORE_TEST(test_reads_into_a_body)
{
    char *data = malloc(300000);
    for (size_t i = 0; i < 300000; i++)
        data[i] = (char)(i * 7);
    slice parts[] = {{data, 1}, {data + 1, 0}, {data + 1, 299999}};
    assert_ok(file_create_in_place(AT_FDCWD, in_directory("big"), 0600, parts, 3));
    assert_error(file_create_in_place(AT_FDCWD, in_directory("big"), 0600, parts, 3), ERROR_EXISTS);
    struct body body;
    body_init(&body, 1 << 20);
    assert_ok(file_read_body(AT_FDCWD, in_directory("big"), &body));
    assert_int_equal(body.size, 300000);
    assert_memory_equal(body.data, data, 300000);
    body_close(&body);
    body_init(&body, 299999);
    assert_error(file_read_body(AT_FDCWD, in_directory("big"), &body), ERROR_LIMIT);
    body_close(&body);
    free(data);
}

CORE_TEST(test_reads_exactly_and_writes_all)
{
    int fd;
    char text[16];
    assert_ok(ring_open(AT_FDCWD, in_directory("exact"), O_RDWR | O_CREAT | O_CLOEXEC, 0600, &fd));
    assert_ok(file_write_all(fd, SLICE("0123456789"), 5));
    assert_ok(file_sync(fd));
    assert_ok(file_read_exact(fd, text, 5, 10));
    assert_memory_equal(text, "56789", 5);
    assert_error(file_read_exact(fd, text, 6, 10), ERROR_CLOSED);
    assert_ok(ring_close(fd));
    error problem = file_sync(fd);
    assert_int_equal(problem.os, EBADF);
}

CORE_TEST(test_makes_directories)
{
    assert_ok(file_make_directories(in_directory("a/b/c"), 0750));
    assert_ok(file_make_directories(in_directory("a/b/c/"), 0750)); /* again is fine */
    struct stat facts;
    assert_int_equal(stat(in_directory("a/b/c"), &facts), 0);
    assert_true(S_ISDIR(facts.st_mode));
    assert_ok(file_replace(in_directory("a/file"), SLICE("x"), 0600));
    assert_int_equal(file_make_directories(in_directory("a/file"), 0750).os, ENOTDIR);
    assert_int_equal(file_make_directories(in_directory("a/file/d"), 0750).os, ENOTDIR);
    char *endless = malloc(PATH_MAX + 1);
    memset(endless, 'x', PATH_MAX);
    endless[PATH_MAX] = '\0';
    assert_error(file_make_directories(endless, 0750), ERROR_LIMIT);
    free(endless);
}

/* A failed creation leaves nothing behind. */
CORE_TEST(test_a_failed_creation_leaves_nothing)
{
    slice bad = {(const char *)8, 100}; /* no such memory: EFAULT in the middle */
    slice parts[] = {SLICE("good"), bad};
    error problem = file_create_in_place(AT_FDCWD, in_directory("half"), 0600, parts + 1, 1);
    assert_int_equal(problem.os, EFAULT);
    assert_int_equal(access(in_directory("half"), F_OK), -1);
    static slice many[1000];
    assert_error(file_create_in_place(AT_FDCWD, in_directory("half"), 0600, many, 1000), ERROR_BUG);
    assert_int_equal(access(in_directory("half"), F_OK), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_replaces_and_reads),
        cmocka_unit_test(test_reads_files_without_a_size),
        cmocka_unit_test(test_reads_into_a_body),
        cmocka_unit_test(test_reads_exactly_and_writes_all),
        cmocka_unit_test(test_makes_directories),
        cmocka_unit_test(test_a_failed_creation_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
