/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "service/smtp/limits.h"
#include "service/smtp/transaction.h"

#include <stdio.h>
#include <string.h>

static struct directory_target targets[SMTP_TARGETS_MAX + 1];
static char names[SMTP_TARGETS_MAX + 1][24];

static struct directory_resolution resolve(unsigned first, unsigned count)
{
    for (unsigned i = first; i < first + count; i++) {
        int size = snprintf(names[i], sizeof names[i], "u%u@example.org", i);
        targets[i] =
            (struct directory_target){.account = {.address = slice_of(names[i], (size_t)size)}};
    }
    return (struct directory_resolution){.count = count, .targets = targets + first};
}

static void test_keeps_copies(void **state)
{
    (void)state;
    struct smtp_transaction t;
    char line[] = "a@bENVID";
    struct smtp_mail mail = {.sender = {.address = slice_of(line, 3)},
                             .envid = slice_of(line + 3, 5)};
    smtp_transaction_init(&t);
    assert_false(failed(smtp_transaction_begin(&t, &mail)));
    struct smtp_rcpt rcpt = {.recipient = {.address = slice_of(line, 3)},
                             .orcpt_address = slice_of(line + 3, 5)};
    struct directory_resolution one = resolve(0, 1);
    assert_false(failed(smtp_transaction_add(&t, &rcpt, &one)));
    memset(line, 'x', sizeof line);
    assert_true(slice_equal(t.mail.sender.address, SLICE("a@b")));
    assert_true(slice_equal(t.mail.envid, SLICE("ENVID")));
    assert_null(t.mail.auth.data); /* what was not said is still not said */
    assert_true(slice_equal(t.recipients->address, SLICE("a@b")));
    assert_true(slice_equal(t.recipients->orcpt_address, SLICE("ENVID")));
    smtp_transaction_reset(&t);
    assert_false(t.open);
    assert_int_equal(t.recipient_count, 0);
}

static void test_no_mailbox_twice(void **state)
{
    (void)state;
    struct smtp_transaction t;
    struct smtp_mail mail = {0};
    struct smtp_rcpt rcpt = {0};
    smtp_transaction_init(&t);
    assert_false(failed(smtp_transaction_begin(&t, &mail)));
    struct directory_resolution three = resolve(0, 3), two = resolve(2, 2);
    assert_false(failed(smtp_transaction_add(&t, &rcpt, &three)));
    assert_false(failed(smtp_transaction_add(&t, &rcpt, &two)));
    assert_int_equal(t.recipient_count, 2);
    assert_int_equal(t.target_count, 4);
    unsigned seen = 0;
    for (struct smtp_target *target = t.targets; target; target = target->next)
        seen++;
    assert_int_equal(seen, 4);
    smtp_transaction_reset(&t);
}

static void test_limit_of_targets(void **state)
{
    (void)state;
    struct smtp_transaction t;
    struct smtp_mail mail = {0};
    struct smtp_rcpt rcpt = {0};
    smtp_transaction_init(&t);
    assert_false(failed(smtp_transaction_begin(&t, &mail)));
    struct directory_resolution all = resolve(0, SMTP_TARGETS_MAX),
                                more = resolve(SMTP_TARGETS_MAX, 1);
    assert_false(failed(smtp_transaction_add(&t, &rcpt, &all)));
    assert_int_equal(smtp_transaction_add(&t, &rcpt, &more).kind, ERROR_LIMIT);
    assert_int_equal(t.target_count, SMTP_TARGETS_MAX);
    assert_int_equal(t.recipient_count, 1);
    smtp_transaction_reset(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keeps_copies),
        cmocka_unit_test(test_no_mailbox_twice),
        cmocka_unit_test(test_limit_of_targets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
