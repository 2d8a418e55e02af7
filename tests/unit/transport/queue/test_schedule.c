/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The schedule as a whole, on cores of its own, in a scripted world (fakes.h): everyone's mail ends
 * delivered or bounced exactly once, and nobody waits for what is not his.
 */
#include "fakes.h"

static void deliver_simple(void)
{
    mail_to("a@x.example", "", "1@good.example", 60);
    mail_to("a@x.example", "", "2@lmtp.example", 60);
    mail_to("a@x.example", "", "3@perm.example", 60);
    mail_to("a@x.example", "", "4@grey.example", 60);
    mail_to("a@x.example", "", "5@null.example", 60);
    mail_to("a@x.example", "", "7@stall.example", 60);
    sim_wait(10);
    assert_int_equal(world.ledger[1].delivered, 1);
    assert_int_equal(world.ledger[2].delivered, 1);
    assert_int_equal(world.ledger[3].bounced, 1);
    assert_int_equal(world.ledger[4].delivered, 1);
    assert_int_equal(world.ledger[4].tries, 2);
    assert_int_equal(world.ledger[5].bounced, 1);
    assert_int_equal(world.ledger[7].delivered, 1);
    assert_int_equal(world.transactions, 6);
}

static void test_simple(void **state)
{
    (void)state;
    sim_defaults();
    sim_run(1, deliver_simple);
    sim_defaults();
    sim_run(2, deliver_simple);
}

/* ---- Everything at once ---- */

enum { MANY = 6000 / TEST_SLOWER };

static const char *const everywhere[] = {
    "good.example",   "good1.example",  "good-a.example", "good-b.example", "slow.example",
    "perm.example",   "grey.example",   "grey2.example",  "never.example",  "dead.example",
    "hang.example",   "flaky.example",  "flaky2.example", "limit.example",  "five.example",
    "kept.example",   "null.example",   "later.example",  "stall.example",  "lmtp.example",
    "flaky3.example", "flaky4.example",
};
enum { PLACES = sizeof everywhere / sizeof *everywhere };

/* One to forty recipients, by chance of one domain or of several. */
static unsigned submit_some(unsigned first)
{
    enum { SOME = 40 };
    static _Thread_local char texts[SOME][64];
    struct queue_recipient to[SOME];
    unsigned count = random_below(4) == 0 ? 1 + (unsigned)random_below(SOME) : 1;
    bool mixed = random_below(2) == 0;
    unsigned place = (unsigned)random_below(PLACES);
    for (unsigned i = 0; i < count; i++) {
        if (mixed)
            place = (unsigned)random_below(PLACES);
        snprintf(texts[i], sizeof texts[i], "%u@%s", first + i, everywhere[place]);
        to[i] = (struct queue_recipient){.address = slice_from_string(texts[i])};
    }
    const struct queue_envelope envelope = {
        .sender = random_below(3) == 0 ? SLICE("bulk@x.example") : SLICE("a@y.example"),
        .recipients = to,
        .recipient_count = count,
        .priority = (int)random_below(19) - 9,
    };
    queue_schedule_add(mail_make(&envelope, 3 + (int64_t)random_below(2)));
    return count;
}

static error submit_share(void *argument)
{
    unsigned share = MANY / core_count();
    unsigned number = core_self() * share, end = number + share - 40;
    _Atomic unsigned *total = argument;
    while (number < end) {
        unsigned count = submit_some(number);
        number += count;
        *total += count;
        if (random_below(20) == 0)
            TRY(fiber_sleep(TIME_MS));
    }
    return OK;
}

static void live_through_everything(void)
{
    _Atomic unsigned total = 0;
    world.reports_refused = 20;
    assert_ok(core_broadcast(submit_share, &total));
    sim_wait(60);
    unsigned ended = 0;
    for (unsigned i = 0; i < LEDGER_MAX; i++) {
        const struct ledger_entry *entry = &world.ledger[i];
        assert_true(entry->delivered + entry->bounced <= 1);
        ended += entry->delivered + entry->bounced;
    }
    assert_int_equal(ended, total);
    assert_int_equal(world.reports_refused, 0);
    assert_true(world.connections_high <= sim_settings.connections_max);
    if (sim_settings.connections_max > 100)
        assert_true(world.limit_turned_away > 0);
    assert_true(world.opens < world.transactions);
}

static void settle_for_everything(unsigned connections_max)
{
    sim_defaults();
    sim_settings.connections_max = connections_max;
    sim_settings.recipients_per_mail = 10;
}

static void test_everything(void **state)
{
    (void)state;
    settle_for_everything(1000);
    sim_run(2, live_through_everything);
}

static void test_everything_over_few_connections(void **state)
{
    (void)state;
    settle_for_everything(3);
    sim_run(2, live_through_everything);
}

/* Who waited for a place and has no use for it any more passes it on. */
static void pass_a_place_on(void)
{
    mail_to("a@x.example", "a", "1@dead.example", 60);
    for (unsigned i = 0; i < 30000 && !map_get(&sites.by_name, SLICE("dead")); i++)
        assert_ok(fiber_sleep(TIME_MS));
    struct site *dead = map_get(&sites.by_name, SLICE("dead"));
    for (unsigned i = 0; i < 30000 && dead->connections + dead->line.count > 0; i++)
        assert_ok(fiber_sleep(TIME_MS));
    assert_int_equal(dead->connections + dead->line.count, 0);
    list_append(&sites.hungry, &dead->hungry);
    mail_to("a@x.example", "a", "2@slow.example", 60);
    mail_to("a@x.example", "a", "3@good.example", 60);
    for (unsigned i = 0; i < 30000 && world.deliveries < 2; i++)
        assert_ok(fiber_sleep(TIME_MS));
    assert_int_equal(world.ledger[2].delivered, 1);
    assert_int_equal(world.ledger[3].delivered, 1);
}

static void test_a_place_is_passed_on(void **state)
{
    (void)state;
    sim_defaults();
    sim_settings.connections_max = 1;
    sim_settings.retry_min = sim_settings.retry_max = 3600 * TIME_S;
    sim_run(1, pass_a_place_on);
}

/* ---- Fairness ---- */

enum { BULK = 10000 / TEST_SLOWER };

static void submit_beside_bulk(void)
{
    for (unsigned i = 0; i < BULK; i++)
        mail_to("bulk@x.example", "bulk", address_of(i, "good.example"), 60);
    while (world.deliveries < 50)
        assert_ok(fiber_yield());
    uint64_t before = world.deliveries;
    mail_to("one@x.example", "one", address_of(BULK, "good.example"), 60);
    sim_wait(30);
    /* those that were under way, and as many as may go while its route is found */
    assert_true(world.ledger[BULK].order <= before + 3 * sim_settings.concurrency);
    assert_int_equal(world.deliveries, BULK + 1);
}

static void test_bulk_delays_himself(void **state)
{
    (void)state;
    sim_defaults();
    sim_run(1, submit_beside_bulk);
}

static void submit_urgent(void)
{
    const struct queue_recipient to = {.address = SLICE("5000@slow.example")};
    const struct queue_envelope envelope = {
        .sender = SLICE("a@x.example"), .recipients = &to, .recipient_count = 1, .priority = 5};
    for (unsigned i = 0; i < 200; i++)
        mail_to("a@x.example", "", address_of(i, "slow.example"), 60);
    while (world.deliveries < 10)
        assert_ok(fiber_yield());
    uint64_t before = world.deliveries;
    queue_schedule_add(mail_make(&envelope, 60));
    sim_wait(30);
    assert_true(world.ledger[5000].order <= before + 6);
}

static void test_priority_goes_first(void **state)
{
    (void)state;
    sim_defaults();
    sim_settings.concurrency = sim_settings.concurrency_first = 2;
    sim_run(1, submit_urgent);
}

/* ---- Clocks ---- */

static void expire(void)
{
    struct queue_recipient to[] = {{.address = SLICE("1@never.example")},
                                   {.address = SLICE("2@dead.example")},
                                   {.address = SLICE("3@good.example")}};
    const struct queue_envelope envelope = {
        .sender = SLICE("a@x.example"), .recipients = to, .recipient_count = 3};
    queue_schedule_add(mail_make(&envelope, 6));
    struct queue_mail *held = mail_make(
        &(struct queue_envelope){.sender = SLICE("a@x.example"),
                                 .recipients =
                                     &(struct queue_recipient){.address = SLICE("4@good.example")},
                                 .recipient_count = 1},
        6);
    held->held = true;
    queue_schedule_add(held);
    for (unsigned i = 10; i < 30; i++) /* these grow old in a line that does not move */
        mail_to("a@x.example", "", address_of(i, "good5.example"), 6);
    sim_wait(30);
    assert_int_equal(world.ledger[1].bounced, 1);
    assert_int_equal(world.ledger[2].bounced, 1);
    assert_int_equal(world.ledger[3].delivered, 1);
    assert_int_equal(world.ledger[4].bounced, 1);
    unsigned bounced = 0;
    for (unsigned i = 10; i < 30; i++)
        bounced += world.ledger[i].bounced;
    assert_int_equal(bounced, 19);
    assert_int_equal(world.ledger[1].delayed, 1);
    assert_int_equal(world.ledger[3].delayed, 0);
}

static void test_expiry_in_every_state(void **state)
{
    (void)state;
    static const slice rates[] = {SLICE("good5.example=1")};
    sim_defaults();
    sim_settings.warn_after = TIME_S;
    sim_settings.rates = (struct setting_list){rates, 1};
    sim_run(2, expire);
}

static void obey_sender(void)
{
    int64_t now = time_wall_seconds();
    struct queue_recipient to[] = {{.address = SLICE("1@never.example")},
                                   {.address = SLICE("2@never.example")},
                                   {.address = SLICE("3@good.example")},
                                   {.address = SLICE("4@never.example")}};
    struct queue_envelope return_it = {.sender = SLICE("a@x.example"),
                                       .recipients = &to[0],
                                       .recipient_count = 1,
                                       .deliver_by = now + 1,
                                       .deliver_by_mode = 'R'};
    struct queue_envelope notify = return_it, later = return_it;
    notify.recipients = &to[1];
    notify.deliver_by_mode = 'N';
    later.recipients = &to[2];
    later.deliver_by = 0;
    later.hold_until = now + 2;
    queue_schedule_add(mail_make(&return_it, 60));
    queue_schedule_add(mail_make(&notify, 8));
    queue_schedule_add(mail_make(&later, 60));
    /* Released long after it came: it lives as long as it says, the wait does not count again. */
    later.recipients = &to[3];
    later.hold_until = now + 1;
    struct queue_mail *old = mail_make(&later, 3);
    old->arrived -= 3600;
    queue_schedule_add(old);
    instant patience = time_after(30 * TIME_S);
    while ((!world.ledger[1].bounced || !world.ledger[2].delayed) && time_now() < patience)
        assert_ok(fiber_sleep(5 * TIME_MS));
    assert_int_equal(world.ledger[1].bounced, 1); /* RFC 2852: mode R */
    assert_int_equal(world.ledger[1].delayed, 0);
    assert_int_equal(world.ledger[2].delayed, 1); /* mode N */
    assert_int_equal(world.ledger[2].bounced, 0);
    sim_wait(10);
    assert_int_equal(world.ledger[2].bounced, 1);
    assert_int_equal(world.ledger[3].delivered, 1);
    assert_int_equal(world.ledger[4].bounced, 1);
    assert_true(time_wall_seconds() >= now + 2);
}

static void test_deliver_by_and_hold_until(void **state)
{
    (void)state;
    sim_defaults();
    sim_run(1, obey_sender);
}

/* ---- Reports of success ---- */

static void submit_with(const char *recipient, unsigned notify, char mode, bool trace)
{
    const struct queue_recipient to = {.address = slice_from_string(recipient), .notify = notify};
    const struct queue_envelope envelope = {.sender = SLICE("a@x.example"),
                                            .recipients = &to,
                                            .recipient_count = 1,
                                            .deliver_by = mode ? time_wall_seconds() + 100 : 0,
                                            .deliver_by_mode = mode,
                                            .deliver_by_trace = trace};
    queue_schedule_add(mail_make(&envelope, 60));
}

/* Who is told of what: RFC 3461 5.2.2, 5.2.3, 5.3; RFC 2852 4.1.4, 4.2. */
static const struct {
    const char *domain;
    unsigned notify;
    char mode;
    bool trace;
    unsigned delivered, relayed;
} successes[] = {
    {"good", SMTP_NOTIFY_UNSAID, 0, false, 0, 0},
    {"good", SMTP_NOTIFY_SUCCESS, 0, false, 0, 1}, /* without DSN it ends here */
    {"dsn", SMTP_NOTIFY_SUCCESS, 0, false, 0, 0},  /* the next one tells */
    {"lmtp", SMTP_NOTIFY_SUCCESS, 0, false, 1, 0}, /* a mailbox has it */
    {"lmtp", SMTP_NOTIFY_NEVER, 0, false, 0, 0},
    {"good", SMTP_NOTIFY_UNSAID, 'N', true, 0, 1}, /* by-trace */
    {"good", SMTP_NOTIFY_UNSAID, 'R', true, 0, 1},
    {"good", SMTP_NOTIFY_FAILURE, 'N', true, 0, 1},
    {"good", SMTP_NOTIFY_NEVER, 'N', true, 0, 0},
    {"good", SMTP_NOTIFY_SUCCESS, 'N', true, 0, 1}, /* once */
    {"good", SMTP_NOTIFY_UNSAID, 'N', false, 0, 1}, /* its time is not known there */
    {"by", SMTP_NOTIFY_UNSAID, 'N', false, 0, 0},
    {"by", SMTP_NOTIFY_UNSAID, 'N', true, 0, 1}, /* each relaying is traced */
    {"by", SMTP_NOTIFY_SUCCESS, 'R', false, 0, 1},
    {"bydsn", SMTP_NOTIFY_SUCCESS, 'N', false, 0, 0},
    {"bydsn", SMTP_NOTIFY_SUCCESS, 'N', true, 0, 1},
    {"dsn", SMTP_NOTIFY_SUCCESS, 'N', false, 0, 1},
    {"lmtp", SMTP_NOTIFY_UNSAID, 'N', true, 0, 0}, /* delivered, not relayed */
    {"lmtp", SMTP_NOTIFY_SUCCESS, 'N', true, 1, 0},
};
enum { SUCCESSES = sizeof successes / sizeof *successes };

static void succeed(void)
{
    for (unsigned i = 0; i < SUCCESSES; i++) {
        char domain[32];
        snprintf(domain, sizeof domain, "%s.example", successes[i].domain);
        submit_with(address_of(i, domain), successes[i].notify, successes[i].mode,
                    successes[i].trace);
    }
    sim_wait(10);
    for (unsigned i = 0; i < SUCCESSES; i++) {
        const struct ledger_entry *entry = &world.ledger[i];
        unsigned delivered = entry->reported - entry->relayed;
        if (entry->delivered != 1 || delivered != successes[i].delivered ||
            entry->relayed != successes[i].relayed)
            fail_msg("case %u: %u times delivered, reported as delivered %u, as relayed %u", i,
                     (unsigned)entry->delivered, delivered, (unsigned)entry->relayed);
    }
}

static void test_reports_of_success(void **state)
{
    (void)state;
    sim_defaults();
    sim_run(1, succeed);
    sim_defaults();
    world.reports_refused = 5; /* owed, and made later */
    sim_run(1, succeed);
}

/* ---- Stopping ---- */

static void stop_amid(void)
{
    for (unsigned i = 0; i < 300; i++)
        mail_to("a@x.example", "", address_of(i, everywhere[i % PLACES]), 60);
    assert_ok(fiber_sleep((int64_t)random_below(60) * TIME_MS));
}

static void test_stop_amid_work(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 8; round++) {
        sim_defaults();
        random_seed(round);
        sim_run(1 + round % 2, stop_amid);
        for (unsigned i = 0; i < 300; i++)
            assert_true(world.ledger[i].delivered + world.ledger[i].bounced <= 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_simple),
        cmocka_unit_test(test_everything),
        cmocka_unit_test(test_everything_over_few_connections),
        cmocka_unit_test(test_bulk_delays_himself),
        cmocka_unit_test(test_priority_goes_first),
        cmocka_unit_test(test_expiry_in_every_state),
        cmocka_unit_test(test_deliver_by_and_hold_until),
        cmocka_unit_test(test_a_place_is_passed_on),
        cmocka_unit_test(test_reports_of_success),
        cmocka_unit_test(test_stop_amid_work),
    };
    setenv("CMOCKA_TEST_ABORT", "1", 0); /* these fail on other threads than the runner's */
    log_configure(2, LOG_ERROR, LOG_LOGFMT);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
