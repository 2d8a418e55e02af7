/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check.h"

#include "base/log.h"
#include "server/logging.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void assert_file_says(const char *path, const char *event, bool expected)
{
    char text[4096] = "";
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    assert_int_equal(strstr(text, event) != NULL, expected);
}

/* As logrotate does it: the file is moved away, then the server is told. */
static void test_file_is_opened_again(void **state)
{
    (void)state;
    char path[100], moved[110];
    const char *folder = getenv("TMPDIR");
    snprintf(path, sizeof path, "%s/log-%d", folder ? folder : "/tmp", getpid());
    snprintf(moved, sizeof moved, "%s.1", path);
    const struct log_settings settings = {.level = LOG_INFO, .path = path};
    assert_ok(logging_open(&settings));
    log_event(LOG_INFO, "test.first", OK, SLICE_EMPTY);
    log_event(LOG_DEBUG, "test.quiet", OK, SLICE_EMPTY);
    log_flush();
    assert_int_equal(rename(path, moved), 0);
    log_event(LOG_INFO, "test.second", OK, SLICE_EMPTY);
    log_flush();
    assert_ok(logging_open(&settings));
    log_event(LOG_INFO, "test.third", OK, SLICE_EMPTY);
    log_flush();
    assert_file_says(moved, "event=test.first", true);
    assert_file_says(moved, "event=test.second", true);
    assert_file_says(moved, "event=test.third", false);
    assert_file_says(path, "event=test.third", true);
    assert_file_says(moved, "test.quiet", false);

    /* A file that cannot be opened leaves things as they were. */
    const struct log_settings bad = {.level = LOG_INFO, .path = "/nowhere/at/all"};
    assert_error(logging_open(&bad), ERROR_NOT_FOUND);
    log_event(LOG_INFO, "test.fourth", OK, SLICE_EMPTY);
    log_flush();
    assert_file_says(path, "event=test.fourth", true);
    unlink(path);
    unlink(moved);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_file_is_opened_again)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
