/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/log.h"
#include "data/store/delivery.h"
#include "transport/deliver/local.h"

#include <stdio.h>

/* The store, as the delivery sees it. */
static unsigned calls, recipients_seen, fail_call;
static char first_file[1000];
static error outcome;

error store_deliver(struct store_delivery *delivery)
{
    calls++;
    if (calls == fail_call)
        return error_make(ERROR_TEMPORARY, "no space in the journal");
    first_file[0] = '\0';
    for (unsigned i = 0; i < delivery->part_count; i++)
        strncat(first_file, delivery->parts[i].data, delivery->parts[i].size);
    for (unsigned i = 0; i < delivery->recipient_count; i++)
        delivery->recipients[i].result = i == 1 ? outcome : OK;
    recipients_seen += delivery->recipient_count;
    return OK;
}

static struct arena arena;
static struct directory_account account = {.address = {"user@example.org", 16},
                                           .maildir = "/var/vmail/user/Maildir"};

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, 16 << 20);
    calls = recipients_seen = fail_call = 0;
    outcome = OK;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_close(&arena);
    return 0;
}

static struct deliver_local make(unsigned count)
{
    struct deliver_local d = {.id = SLICE("id"),
                              .sender = SLICE("a@b"),
                              .trace = SLICE("Received: x\r\n"),
                              .message = SLICE("Subject: y\r\n\r\n"),
                              .count = count};
    d.targets = ARENA_ARRAY(&arena, struct deliver_local_target, count);
    for (unsigned i = 0; i < count; i++)
        d.targets[i].account = &account;
    return d;
}

static void test_one_is_told_who_it_is(void **state)
{
    (void)state;
    struct deliver_local d = make(1);
    assert_false(failed(deliver_local(&d, &arena)));
    assert_string_equal(first_file, "Return-Path: <a@b>\r\nDelivered-To: user@example.org\r\n"
                                    "Received: x\r\nSubject: y\r\n\r\n");
}

static void test_several_share_a_file(void **state)
{
    (void)state;
    struct deliver_local d = make(3);
    outcome = error_make(ERROR_LIMIT, "over quota");
    d.sender = SLICE_EMPTY;
    assert_false(failed(deliver_local(&d, &arena)));
    assert_int_equal(calls, 1);
    assert_string_equal(first_file, "Return-Path: <>\r\nReceived: x\r\nSubject: y\r\n\r\n");
    assert_false(failed(d.targets[0].result));
    assert_int_equal(d.targets[1].result.kind, ERROR_LIMIT);
    assert_false(failed(d.targets[2].result));
}

static void test_batches(void **state)
{
    (void)state;
    struct deliver_local d = make(2 * STORE_RECIPIENTS_MAX + 7);
    assert_false(failed(deliver_local(&d, &arena)));
    assert_int_equal(calls, 3);
    assert_int_equal(recipients_seen, d.count);
    /* what a failed batch held is told target by target: the others have it */
    calls = 0;
    fail_call = 2;
    assert_false(failed(deliver_local(&d, &arena)));
    for (unsigned i = 0; i < d.count; i++)
        assert_int_equal(d.targets[i].result.kind,
                         i >= STORE_RECIPIENTS_MAX && i < 2 * STORE_RECIPIENTS_MAX ? ERROR_TEMPORARY
                                                                                   : ERROR_NONE);
}

static void test_failure_of_all(void **state)
{
    (void)state;
    struct deliver_local d = make(2);
    fail_call = 1;
    assert_int_equal(deliver_local(&d, &arena).kind, ERROR_TEMPORARY);
    assert_int_equal(d.targets[0].result.kind, ERROR_TEMPORARY);
}

static void test_header_limit(void **state)
{
    (void)state;
    static char trace[DELIVER_LOCAL_HEADER_SIZE_MAX + 1];
    struct deliver_local d = make(1);
    d.trace = slice_of(trace, sizeof trace);
    assert_int_equal(deliver_local(&d, &arena).kind, ERROR_LIMIT);
    assert_int_equal(calls, 0);
}

int main(void)
{
    log_configure(2, LOG_ERROR, LOG_LOGFMT);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_one_is_told_who_it_is, setup, teardown),
        cmocka_unit_test_setup_teardown(test_several_share_a_file, setup, teardown),
        cmocka_unit_test_setup_teardown(test_batches, setup, teardown),
        cmocka_unit_test_setup_teardown(test_failure_of_all, setup, teardown),
        cmocka_unit_test_setup_teardown(test_header_limit, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
