/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check.h"
#include "scratch.h"

#include "data/store/pop3_uidl.h"
#include "data/store/state.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static struct scratch scratch;
static struct mailbox mailbox;
static struct buffer lines;

static int setup(void **state)
{
    (void)state;
    scratch_make(&scratch);
    mailbox.directory = open(scratch.path, O_PATH | O_DIRECTORY);
    assert_true(mailbox.directory >= 0);
    buffer_init(&lines, 1 << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    buffer_close(&lines);
    close(mailbox.directory);
    scratch_remove(&scratch);
    return 0;
}

static void check(struct mailbox_uidls *uidls, uint32_t uid, const char *expected)
{
    assert_true(slice_equal(mailbox_uidls_find(uidls, uid), slice_from_string(expected)));
}

static void test_kept_and_found(void **state)
{
    (void)state;
    struct mailbox_uidls uidls;
    mailbox_uidls_add(2, SLICE("two"), &lines);
    mailbox_uidls_add(7, SLICE("!~7"), &lines);
    mailbox_uidls_add(4294967294, SLICE("last"), &lines);
    assert_ok(mailbox_uidls_write(mailbox.directory, &lines));
    assert_ok(mailbox_uidls_open(&mailbox, &uidls));
    for (int turn = 0; turn < 2; turn++) { /* from the beginning again */
        check(&uidls, 1, "");
        check(&uidls, 2, "two");
        check(&uidls, 2, "two");
        check(&uidls, 3, "");
        check(&uidls, 7, "!~7");
        check(&uidls, 4294967294, "last");
        check(&uidls, 4294967295, "");
    }
    check(&uidls, 7, "!~7");
    mailbox_uidls_close(&uidls);
}

static void test_none(void **state)
{
    (void)state;
    struct mailbox_uidls uidls;
    assert_ok(mailbox_uidls_write(mailbox.directory, &lines)); /* no file for nothing */
    assert_int_not_equal(faccessat(mailbox.directory, "ringmail.uidl", F_OK, 0), 0);
    assert_ok(mailbox_uidls_open(&mailbox, &uidls));
    check(&uidls, 1, "");
    mailbox_uidls_close(&uidls);
}

/* What no client can have seen, and STORE_UIDL_SIZE_MAX. */
static void test_ids_that_cannot_be(void **state)
{
    (void)state;
    char text[STORE_UIDL_SIZE_MAX + 1];
    memset(text, 'x', sizeof text);
    mailbox_uidls_add(1, SLICE(""), &lines);
    mailbox_uidls_add(1, SLICE("a b"), &lines);
    mailbox_uidls_add(1, SLICE("a\nb"), &lines);
    mailbox_uidls_add(1, SLICE("\xc3\xa4"), &lines);
    mailbox_uidls_add(1, slice_of(text, sizeof text), &lines);
    assert_int_equal(lines.size, 0);
    mailbox_uidls_add(1, slice_of(text, STORE_UIDL_SIZE_MAX), &lines);
    assert_int_equal(lines.size, STORE_UIDL_SIZE_MAX + 3);
}

/* STORE_UIDL_FILE_SIZE_MAX: a file that is there and cannot be read is no file without ids. */
static void test_a_file_that_cannot_be_read(void **state)
{
    (void)state;
    struct mailbox_uidls uidls;
    int fd = openat(mailbox.directory, "ringmail.uidl", O_CREAT | O_WRONLY, 0600);
    assert_int_equal(ftruncate(fd, STORE_UIDL_FILE_SIZE_MAX + 1), 0);
    close(fd);
    assert_error(mailbox_uidls_open(&mailbox, &uidls), ERROR_TEMPORARY);
}

static void test_damaged_lines(void **state)
{
    (void)state;
    struct mailbox_uidls uidls;
    buffer_add_string(&lines, "x\n\n2\n3 three\n99999999999 z\n4 four");
    assert_ok(mailbox_uidls_write(mailbox.directory, &lines));
    assert_ok(mailbox_uidls_open(&mailbox, &uidls));
    check(&uidls, 2, "");
    check(&uidls, 3, "three");
    check(&uidls, 4, "four");
    mailbox_uidls_close(&uidls);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_kept_and_found),     TEST(test_none),
        TEST(test_ids_that_cannot_be), TEST(test_a_file_that_cannot_be_read),
        TEST(test_damaged_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
