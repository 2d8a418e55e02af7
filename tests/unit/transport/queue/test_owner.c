/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Bounds of an owner core in a scripted world (fakes.h): fibers, look-ups, rooms, lists.
 */
#include "fakes.h"

/* ---- Bounds of the owner core ---- */

/* More bounces than fibers for them, none of which ends. */
static void need_many_hands(void)
{
    enum { BOUNCES = 3 * QUEUE_HANDS_MAX };
    world.held = true;
    for (unsigned i = 0; i < BOUNCES; i++)
        mail_to("a@x.example", "", address_of(i, "perm.example"), 60);
    sim_fill(&queue_owner.hands, QUEUE_HANDS_MAX);
    sim_wait(20);
    for (unsigned i = 0; i < BOUNCES; i++)
        assert_int_equal(world.ledger[i].bounced, 1);
}

static void test_hands_max(void **state)
{
    (void)state;
    sim_defaults();
    sim_run(1, need_many_hands);
}

/* More domains than may be looked up at a time, none of which is found. */
static void need_many_lookups(void)
{
    enum { DOMAINS = QUEUE_LOOKUPS_MAX + 500 };
    world.held = true;
    for (unsigned i = 0; i < DOMAINS; i++) {
        char domain[32];
        snprintf(domain, sizeof domain, "stall%u.example", i);
        mail_to("a@x.example", "", address_of(i, domain), 60);
    }
    sim_fill(&queue_owner.lookups, QUEUE_LOOKUPS_MAX);
    sim_wait(30);
    for (unsigned i = 0; i < DOMAINS; i++)
        assert_int_equal(world.ledger[i].delivered, 1);
}

static void test_lookups_max(void **state)
{
    (void)state;
    sim_defaults();
    sim_run(1, need_many_lookups);
}

/* QUEUE_WAY_ARENA_SIZE_MAX: a route that finds no room there is none, for now. */
static void find_no_room(void)
{
    mail_to("a@x.example", "", "1@wide.example", 1);
    mail_to("a@x.example", "", "2@good.example", 60);
    sim_wait(10);
    assert_int_equal(world.ledger[1].bounced, 1); /* it expired */
    assert_int_equal(world.ledger[2].delivered, 1);
}

/* QUEUE_RESPONSE_SIZE_MAX: what is kept of many words, with what stands before them. */
static void hear_many_words(void)
{
    mail_to("a@x.example", "", "1@prolix.example", 60);
    struct queue_item *item = &queue_keep_next(NULL)->items[0];
    instant deadline = time_after(30 * TIME_S);
    while (!item->response && time_now() < deadline)
        assert_ok(fiber_sleep(TIME_MS));
    assert_non_null(item->response);
    assert_int_equal(strlen(item->response), QUEUE_RESPONSE_SIZE_MAX - 1);
    assert_memory_equal(item->response, "prolix: 451 4.7.1 ww", 20);
}

static void test_room_of_one_destination(void **state)
{
    (void)state;
    sim_defaults();
    sim_run(1, find_no_room);
    sim_defaults();
    sim_run(1, hear_many_words);
}

/* ---- What operators are shown ---- */

static unsigned occurrences(const struct buffer *text, slice what)
{
    unsigned count = 0;
    ptrdiff_t at;
    for (slice rest = buffer_slice(text); (at = slice_find(rest, what)) >= 0; count++)
        rest = slice_from(rest, (size_t)at + what.size);
    return count;
}

static void show(const struct buffer *text, const char *end)
{
    if (!slice_ends(buffer_slice(text), slice_from_string(end)))
        fail_msg("ends with %s", text->data + text->size - 100);
}

/* QUEUE_LIST_COUNT_MAX mails are a page, QUEUE_SITES_COUNT_MAX destinations are told apart; held
 * mail, so that nothing becomes of it. */
static void fill_lists(void)
{
    _Static_assert(QUEUE_LIST_COUNT_MAX == QUEUE_SITES_COUNT_MAX, "one queue meets both");
    const struct queue_selection everything = {.count_max = 0};
    struct buffer text;
    char end[64];
    buffer_init(&text, 64 << 20);
    for (unsigned i = 0; i <= QUEUE_LIST_COUNT_MAX; i++) {
        char domain[32];
        snprintf(domain, sizeof domain, "good%u.example", i);
        const struct queue_recipient to = {.address = slice_from_string(address_of(1, domain))};
        const struct queue_envelope envelope = {.recipients = &to, .recipient_count = 1};
        struct queue_mail *mail = mail_make(&envelope, 60);
        mail->held = true;
        queue_schedule_add(mail);
        if (i + 1 < QUEUE_LIST_COUNT_MAX)
            continue;
        bool over = i == QUEUE_LIST_COUNT_MAX;
        buffer_reset(&text);
        assert_ok(queue_list(&everything, &text));
        assert_int_equal(occurrences(&text, SLICE("{\"id\":")), QUEUE_LIST_COUNT_MAX);
        queue_id last = queue_keep_next(NULL)->id + ((QUEUE_LIST_COUNT_MAX - 1ULL) << 10);
        snprintf(end, sizeof end, "\"next\":\"%016llx\"}\n", (unsigned long long)last);
        show(&text, over ? end : "\"next\":null}\n");
        buffer_reset(&text);
        assert_ok(queue_sites(0, &text));
        assert_int_equal(occurrences(&text, SLICE("{\"site\":")), QUEUE_SITES_COUNT_MAX);
        snprintf(end, sizeof end, "\"count\":%d,\"others\":%d}\n", QUEUE_SITES_COUNT_MAX, over);
        show(&text, end);
    }
    buffer_close(&text);
}

static void test_lists_have_limits(void **state)
{
    (void)state;
    sim_defaults();
    sim_run(1, fill_lists);
}

/* QUEUE_SITES_ASKED_MAX sites that no core holds are asked about, and no more. */
static void name_some(void)
{
    struct buffer text;
    buffer_init(&text, 64 << 20);
    for (unsigned i = 0; i < QUEUE_SITES_ASKED_MAX + 10; i++) {
        char domain[32];
        snprintf(domain, sizeof domain, "never%u.example", i);
        mail_to("a@x.example", "", address_of(1, domain), 60);
    }
    instant deadline = time_after(30 * TIME_S);
    while ((world.states < QUEUE_SITES_ASKED_MAX + 10 || sites.count > 0) && time_now() < deadline)
        assert_ok(fiber_sleep(5 * TIME_MS));
    assert_int_equal(sites.count, 0);
    uint64_t before = world.routes;
    assert_ok(queue_sites(0, &text));
    assert_int_equal(world.routes - before, QUEUE_SITES_ASKED_MAX);
    assert_int_equal(occurrences(&text, SLICE("{\"site\":\"never")), QUEUE_SITES_ASKED_MAX);
    assert_int_equal(occurrences(&text, SLICE("{\"site\":\"#")), 10);
    buffer_reset(&text);
    assert_ok(queue_sites(5, &text)); /* only those that are shown */
    assert_int_equal(world.routes - before, QUEUE_SITES_ASKED_MAX + 5);
    buffer_close(&text);
}

static void test_sites_are_named(void **state)
{
    (void)state;
    sim_defaults();
    sim_settings.retry_min = sim_settings.retry_max = 3600 * TIME_S;
    sim_run(1, name_some);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_room_of_one_destination),
        cmocka_unit_test(test_lists_have_limits),
        cmocka_unit_test(test_sites_are_named),
        cmocka_unit_test(test_hands_max),
        cmocka_unit_test(test_lookups_max),
    };
    setenv("CMOCKA_TEST_ABORT", "1", 0); /* these fail on other threads than the runner's */
    log_configure(2, LOG_ERROR, LOG_LOGFMT);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
