/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Sites in a scripted world (fakes.h): trouble of one is not another's, pauses, probes, how many
 * connections there are, how often they may be used.
 */
#include "fakes.h"

/* ---- Others' trouble ---- */

static void hang_beside_good(void)
{
    world.held = true;
    for (unsigned i = 0; i < 100; i++)
        mail_to("a@x.example", "", address_of(i, "hang.example"), 60);
    for (unsigned i = 100; i < 200; i++)
        mail_to("a@x.example", "", address_of(i, "stall.example"), 60);
    instant began = time_now();
    for (unsigned i = 200; i < 500; i++)
        mail_to("a@x.example", "", address_of(i, "good.example"), 60);
    while (world.deliveries < 300 && time_now() < began + 20 * TIME_S)
        assert_ok(fiber_sleep(TIME_MS));
    for (unsigned i = 0; i < 500; i++)
        assert_int_equal(world.ledger[i].at != 0, i >= 200);
    world.held = false;
}

static void test_hanging_delays_nobody_else(void **state)
{
    (void)state;
    sim_defaults();
    sim_run(1, hang_beside_good);
}

/* A dead site is asked by few connections, not by every mail; when it lives again, all arrive. */
static void outlive_a_dead_site(void)
{
    for (unsigned i = 0; i < 500; i++)
        mail_to("a@x.example", "", address_of(i, "dead.example"), 60);
    assert_ok(fiber_sleep(700 * TIME_MS));
    assert_true(world.opens <= 20);
    assert_int_equal(world.finished, 0);
    world.revived = true;
    sim_wait(20);
    assert_int_equal(world.deliveries, 500);
}

static void test_pause_and_probe(void **state)
{
    (void)state;
    sim_defaults();
    sim_settings.retry_max = 200 * TIME_MS;
    sim_run(1, outlive_a_dead_site);
    sim_defaults();
    sim_settings.retry_max = 200 * TIME_MS;
    sim_run(2, outlive_a_dead_site);
}

/* Connections that come about and then break are failures as well. */
static void leave_a_broken_site_alone(void)
{
    for (unsigned i = 0; i < 200; i++)
        mail_to("a@x.example", "", address_of(i, "drop.example"), 60);
    assert_ok(fiber_sleep(300 * TIME_MS));
    assert_true(world.opens >= 3 && world.opens <= 12);
    assert_int_equal(world.finished, 0);
}

static void test_pause_after_broken_connections(void **state)
{
    (void)state;
    sim_defaults();
    sim_settings.retry_min = sim_settings.retry_max = 3600 * TIME_S;
    sim_run(1, leave_a_broken_site_alone);
}

/* What statistics show of a failure: SITE_ANSWER_SIZE_MAX bytes with the NUL. */
static void shorten_answers(void)
{
    char words[SITE_ANSWER_SIZE_MAX];
    mail_to("a@x.example", "", "1@dead.example", 60);
    for (instant until = time_after(30 * TIME_S); world.opens == 0 && time_now() < until;)
        assert_ok(fiber_sleep(TIME_MS));
    assert_int_equal(sites.count, 1);
    struct site *site = CONTAINER_OF(sites.all.next, struct site, node);
    memset(words, 'x', sizeof words);
    words[sizeof words - 2] = 'y';
    words[sizeof words - 1] = 'z';
    site_bad(site, SLICE_EMPTY, slice_of(words, sizeof words - 1)); /* just fits */
    assert_int_equal(strlen(site->answer), SITE_ANSWER_SIZE_MAX - 1);
    assert_int_equal(site->answer[SITE_ANSWER_SIZE_MAX - 2], 'y');
    site_bad(site, SLICE_EMPTY, slice_of(words, sizeof words)); /* one too many */
    assert_int_equal(strlen(site->answer), SITE_ANSWER_SIZE_MAX - 1);
    assert_int_equal(site->answer[SITE_ANSWER_SIZE_MAX - 2], 'y');
    site_bad(site, SLICE("mx.example"), slice_of(words, sizeof words));
    assert_int_equal(strlen(site->answer), SITE_ANSWER_SIZE_MAX - 1);
    assert_memory_equal(site->answer, "mx.example: x", 13);
}

static void test_answers_are_shortened(void **state)
{
    (void)state;
    sim_defaults();
    sim_settings.retry_min = sim_settings.retry_max = 3600 * TIME_S;
    sim_run(1, shorten_answers);
}

static void respect_limit(void)
{
    for (unsigned i = 0; i < 300; i++)
        mail_to("a@x.example", "", address_of(i, "limit.example"), 60);
    sim_wait(20);
    assert_int_equal(world.deliveries, 300);
    assert_true(world.limit_turned_away > 0 && world.limit_turned_away < 60);
}

static void test_concurrency_shrinks(void **state)
{
    (void)state;
    sim_defaults();
    sim_run(1, respect_limit);
}

/* ---- Rates ---- */

static void slow_down(void)
{
    instant began = time_now();
    for (unsigned i = 0; i < 6; i++)
        mail_to("a@x.example", "", address_of(i, "good.example"), 60);
    for (unsigned i = 6; i < 12; i++)
        mail_to("a@x.example", "", address_of(i, "good2.example"), 60);
    sim_wait(20);
    instant last = 0;
    for (unsigned i = 0; i < 6; i++)
        if (world.ledger[i].at > last)
            last = world.ledger[i].at;
    for (unsigned i = 6; i < 12; i++)
        assert_true(world.ledger[i].at < last);
    assert_true(last - began >= 490 * TIME_MS && last - began < 15 * TIME_S);
}

static void test_rates(void **state)
{
    (void)state;
    static const slice rates[] = {SLICE("good.example=600")};
    sim_defaults();
    sim_settings.rates = (struct setting_list){rates, 1};
    sim_run(1, slow_down);
}

/* ---- Servers whose BDAT does not work ---- */

static void meet_bad_chunking(void)
{
    mail_to("a@x.example", "", "1@chunk.example", 60);
    sim_wait(5);
    assert_int_equal(world.ledger[1].delivered, 1);
    assert_int_equal(world.ledger[1].tries, 1); /* refused and sent again within one attempt */
    assert_int_equal(world.opens, 2);
    assert_int_equal(world.chunks, 1);
    for (unsigned i = 2; i < 40; i++)
        mail_to("a@x.example", "", address_of(i, "chunk.example"), 60);
    sim_wait(5);
    assert_int_equal(world.chunks, 1); /* the site is remembered */
    world.chunks = 0;
    sim_settings.concurrency = sim_settings.concurrency_first = 1;
    for (unsigned i = 50; i < 60; i++)
        mail_to("a@x.example", "", address_of(i, "brittle.example"), 60);
    sim_wait(10);
    assert_int_equal(world.chunks, SITE_CHUNKS_BROKEN_MAX);
    for (unsigned i = 50; i < 60; i++)
        assert_int_equal(world.ledger[i].delivered, 1);
}

static void test_bad_chunking(void **state)
{
    (void)state;
    sim_defaults();
    sim_run(1, meet_bad_chunking);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hanging_delays_nobody_else),
        cmocka_unit_test(test_pause_and_probe),
        cmocka_unit_test(test_pause_after_broken_connections),
        cmocka_unit_test(test_answers_are_shortened),
        cmocka_unit_test(test_concurrency_shrinks),
        cmocka_unit_test(test_rates),
        cmocka_unit_test(test_bad_chunking),
    };
    setenv("CMOCKA_TEST_ABORT", "1", 0); /* these fail on other threads than the runner's */
    log_configure(2, LOG_ERROR, LOG_LOGFMT);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
