/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Connections in a scripted world (fakes.h): kept, used again, found dead; how many recipients go
 * in one transaction.
 */
#include "fakes.h"

/* ---- One connection, many mails ---- */

static void reuse(void)
{
    for (unsigned i = 0; i < 1000; i++)
        mail_to("a@x.example", "", address_of(i, "good.example"), 60);
    sim_wait(20);
    assert_true(world.opens <= sim_settings.concurrency);
    uint64_t opens = world.opens;
    mail_to("a@x.example", "", "1000@good.example", 60); /* over one that was kept */
    sim_wait(5);
    assert_int_equal(world.opens, opens);
    for (unsigned i = 0; i < 1000 && (open_here || sites.count); i++)
        assert_ok(fiber_sleep(sim_settings.idle_timeout / 5));
    assert_int_equal(open_here, 0);
    assert_int_equal(sites.count, 0);
    mail_to("a@x.example", "", "1001@good.example", 60);
    sim_wait(5);
    assert_int_equal(world.opens, opens + 1);
}

static void test_connections_are_kept(void **state)
{
    (void)state;
    sim_defaults();
    sim_run(1, reuse);
}

static void end_after_some(void)
{
    for (unsigned i = 0; i < 100; i++)
        mail_to("a@x.example", "", address_of(i, "good.example"), 60);
    sim_wait(20);
    assert_true(world.opens >= 10 && world.opens <= 30);
}

static void test_mails_per_connection(void **state)
{
    (void)state;
    sim_defaults();
    sim_settings.mails_per_connection = 10;
    sim_run(1, end_after_some);
}

/* A kept connection that died costs nobody an attempt. */
static void reopen(void)
{
    for (unsigned i = 0; i < 50; i++)
        mail_to("a@x.example", "", address_of(i, "kept.example"), 60);
    sim_wait(20);
    assert_int_equal(world.deliveries, 50);
    assert_int_equal(world.states, 0); /* none was put off */
}

static void test_dead_kept_connection(void **state)
{
    (void)state;
    sim_defaults();
    sim_run(1, reopen);
}

static void submit_to_many(const char *domain, unsigned count)
{
    struct queue_recipient *to = calloc(count, sizeof *to);
    char(*texts)[64] = calloc(count, sizeof *texts);
    for (unsigned i = 0; i < count; i++) {
        snprintf(texts[i], sizeof texts[i], "%u@%s", i, domain);
        to[i].address = slice_from_string(texts[i]);
        to[i].notify = i % 2 ? SMTP_NOTIFY_SUCCESS : SMTP_NOTIFY_UNSAID;
    }
    const struct queue_envelope envelope = {
        .sender = SLICE("a@x.example"), .recipients = to, .recipient_count = count};
    queue_schedule_add(mail_make(&envelope, 60));
    free(to);
    free(texts);
}

static void split(void)
{
    submit_to_many("good.example", 250);
    sim_wait(20);
    assert_int_equal(world.transactions, 3);
    assert_int_equal(world.deliveries, 250);
    for (unsigned i = 0; i < 250; i++)
        assert_int_equal(world.ledger[i].reported, i % 2);
}

static void test_recipients_per_mail(void **state)
{
    (void)state;
    sim_defaults();
    sim_run(2, split);
}

static void split_by_answer(void)
{
    submit_to_many("five.example", 23);
    sim_wait(20);
    assert_int_equal(world.deliveries, 23);
    assert_int_equal(world.transactions, 5);
    assert_int_equal(world.states, 0);
}

static void test_too_many_recipients(void **state)
{
    (void)state;
    sim_defaults();
    sim_run(1, split_by_answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_connections_are_kept), cmocka_unit_test(test_mails_per_connection),
        cmocka_unit_test(test_dead_kept_connection), cmocka_unit_test(test_recipients_per_mail),
        cmocka_unit_test(test_too_many_recipients),
    };
    setenv("CMOCKA_TEST_ABORT", "1", 0); /* these fail on other threads than the runner's */
    log_configure(2, LOG_ERROR, LOG_LOGFMT);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
