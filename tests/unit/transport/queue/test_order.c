/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What operators see and order, over two cores.
 */
#include "fakes.h"

static error add_some(void *argument)
{
    const char *text = argument;
    char address[64];
    for (unsigned i = 0; i < 10; i++) {
        snprintf(address, sizeof address, "%u@%s", core_self() * 10 + i, text);
        mail_to(i % 2 ? "odd@x.example" : "even@x.example", "", address, 60);
    }
    return OK;
}

static uint64_t give(enum queue_order order, struct queue_selection selection)
{
    uint64_t count = 0;
    assert_ok(queue_order(order, &selection, &count));
    return count;
}

static unsigned count_lines(const struct queue_selection *selection, const char *with)
{
    struct buffer out;
    buffer_init(&out, 1 << 20);
    assert_ok(queue_list(selection, &out));
    unsigned count = 0;
    slice rest = buffer_slice(&out), line;
    assert_true(slice_starts(rest, SLICE("{\"mails\":[")) && slice_ends(rest, SLICE("}\n")));
    while (rest.size > 0) {
        slice_cut(rest, '\n', &line, &rest);
        count += slice_find(line, SLICE("\"id\":")) >= 0 &&
                 slice_find(line, slice_from_string(with)) >= 0;
    }
    buffer_close(&out);
    return count;
}

static unsigned listed(struct queue_selection selection)
{
    return count_lines(&selection, "");
}

static void wait_until_tried(unsigned opens)
{
    while (world.opens < opens)
        assert_ok(fiber_sleep(TIME_MS));
    assert_ok(fiber_sleep(20 * TIME_MS));
}

static void select_them(void)
{
    assert_ok(core_broadcast(add_some, "dead.example"));
    assert_ok(core_broadcast(add_some, "never-x.example"));
    wait_until_tried(4);
    assert_int_equal(listed((struct queue_selection){0}), 40);
    assert_int_equal(listed((struct queue_selection){.count_max = 7}), 7);
    assert_int_equal(listed((struct queue_selection){.sender = SLICE("odd@x.example")}), 20);
    assert_int_equal(listed((struct queue_selection){.sender = SLICE("ODD@X.example")}), 20);
    assert_int_equal(listed((struct queue_selection){.sender = SLICE("@x.example")}), 40);
    assert_int_equal(listed((struct queue_selection){.sender = SLICE("@y.example")}), 0);
    assert_int_equal(listed((struct queue_selection){.recipient = SLICE("3@dead.example")}), 1);
    assert_int_equal(listed((struct queue_selection){.recipient = SLICE("@dead.example")}), 20);
    assert_int_equal(listed((struct queue_selection){.site = SLICE("never")}), 20);
    assert_int_equal(listed((struct queue_selection){.site = SLICE("nowhere")}), 0);
    assert_int_equal(
        give(QUEUE_HOLD, (struct queue_selection){.recipient = SLICE("4@dead.example")}), 1);
    assert_int_equal(listed((struct queue_selection){.held_only = true}), 1);
    const struct queue_mail *mine = queue_keep_next(NULL);
    queue_id id = mine->id;
    assert_int_equal(listed((struct queue_selection){.id = id}), 1);
    assert_int_equal(give(QUEUE_DELETE, (struct queue_selection){.id = id}), 1);
    assert_int_equal(listed((struct queue_selection){.id = id}), 0);
    assert_int_equal(give(QUEUE_DELETE, (struct queue_selection){.count_max = 5}), 5);
    assert_int_equal(give(QUEUE_DELETE, (struct queue_selection){0}), 34);
    assert_int_equal(world.finished, 40);
    for (unsigned i = 0; i < 20; i++)
        assert_int_equal(world.ledger[i].delivered + world.ledger[i].bounced, 0);
}

static void test_selections(void **state)
{
    (void)state;
    sim_defaults();
    sim_run(2, select_them);
}

/* ---- Pages ---- */

/* Ids of one page, in the order given; returns their number. *after: for the next, 0: none. */
static unsigned read_page(struct queue_selection selection, queue_id *ids, queue_id *after)
{
    struct buffer out;
    buffer_init(&out, 1 << 20);
    selection.after = *after;
    assert_ok(queue_list(&selection, &out));
    slice rest = buffer_slice(&out), line;
    unsigned count = 0;
    *after = 0;
    while (rest.size > 0) {
        slice_cut(rest, '\n', &line, &rest);
        if (slice_starts(line, SLICE("{\"id\":\"")))
            assert_true(queue_id_parse(slice_sub(line, 7, 16), &ids[count++]));
        else if (slice_starts(line, SLICE("\"next\":\"")))
            assert_true(queue_id_parse(slice_sub(line, 8, 16), after));
    }
    buffer_close(&out);
    return count;
}

/* Every page but the last is full, ids rise over all of them, nobody comes twice. */
static unsigned read_all(struct queue_selection selection)
{
    queue_id ids[64], after = 0, last = 0;
    unsigned total = 0, count;
    do {
        count = read_page(selection, ids, &after);
        assert_true(after == 0 || count == selection.count_max);
        for (unsigned i = 0; i < count; i++) {
            assert_true(ids[i] > last);
            last = ids[i];
        }
        total += count;
    } while (after != 0);
    return total;
}

static void turn_pages(void)
{
    assert_ok(core_broadcast(add_some, "dead.example"));
    assert_ok(core_broadcast(add_some, "never-x.example"));
    wait_until_tried(4);
    for (unsigned size = 1; size < 45; size += 3) {
        struct queue_selection all = {.count_max = size};
        assert_int_equal(read_all(all), 40);
        all.domain = SLICE("DEAD.example");
        assert_int_equal(read_all(all), 20);
        all.sender = SLICE("odd@x.example");
        assert_int_equal(read_all(all), 10);
        all.domain = SLICE("example");
        assert_int_equal(read_all(all), 0);
    }
    /* A cursor is a place in the order, not a mail that must be there; others may read meanwhile.
     */
    queue_id ids[64], after = 0, other = 0;
    const struct queue_selection page = {.count_max = 10};
    assert_int_equal(read_page(page, ids, &after), 10);
    queue_id gone = ids[9];
    assert_int_equal(after, gone);
    assert_int_equal(give(QUEUE_DELETE, (struct queue_selection){.id = gone}), 1);
    assert_int_equal(read_page(page, ids, &after), 10);
    assert_true(ids[0] > gone);
    queue_id eleventh = ids[0];
    assert_int_equal(read_page(page, ids, &other), 10);
    other = gone;
    assert_int_equal(read_page(page, ids, &other), 10);
    assert_int_equal(ids[0], eleventh);
    assert_int_equal(read_page(page, ids, &after), 10);
    assert_int_equal(read_page(page, ids, &after), 10);
    assert_int_equal(after, 0);
    give(QUEUE_DELETE, (struct queue_selection){0});
}

static void test_pages(void **state)
{
    (void)state;
    sim_defaults();
    sim_run(2, turn_pages);
}

static unsigned in_state(unsigned states)
{
    return listed((struct queue_selection){.states = states});
}

static void tell_states_apart(void)
{
    instant deadline = time_after(20 * TIME_S);
    world.held = true;
    assert_ok(core_broadcast(add_some, "never.example"));
    assert_ok(core_broadcast(add_some, "stall.example"));
    while (in_state(QUEUE_STATE_DEFERRED) < 20 && time_now() < deadline)
        assert_ok(fiber_sleep(5 * TIME_MS));
    assert_int_equal(in_state(QUEUE_STATE_DEFERRED), 20);
    assert_int_equal(in_state(QUEUE_STATE_HELD), 0);
    assert_int_equal(in_state(QUEUE_STATE_ACTIVE | QUEUE_STATE_WAITING), 40);
    assert_int_equal(
        give(QUEUE_HOLD, (struct queue_selection){.recipient = SLICE("@never.example")}), 20);
    assert_int_equal(in_state(QUEUE_STATE_HELD), 20);
    assert_int_equal(in_state(QUEUE_STATE_ACTIVE), 20);
    assert_int_equal(in_state(QUEUE_STATE_WAITING), 0);
    int64_t now = time_wall_seconds();
    assert_int_equal(listed((struct queue_selection){.arrived_before = now - 60}), 0);
    assert_int_equal(listed((struct queue_selection){.arrived_before = now + 60}), 40);
    world.held = false;
    give(QUEUE_DELETE, (struct queue_selection){0});
}

static void test_states(void **state)
{
    (void)state;
    enum queue_state parsed = 0;
    sim_defaults();
    sim_settings.retry_min = sim_settings.retry_max = 3600 * TIME_S;
    sim_run(2, tell_states_apart);
    assert_true(queue_state_parse(SLICE("deferred"), &parsed));
    assert_int_equal(parsed, QUEUE_STATE_DEFERRED);
    assert_false(queue_state_parse(SLICE("asleep"), &parsed));
}

/* ---- Destinations ---- */

static unsigned count_in(const struct buffer *out, const char *text)
{
    slice rest = buffer_slice(out);
    unsigned count = 0;
    for (ptrdiff_t at; (at = slice_find(rest, slice_from_string(text))) >= 0; count++)
        rest = slice_from(rest, (size_t)at + 1);
    return count;
}

static void look_at_sites(void)
{
    struct buffer out;
    buffer_init(&out, 1 << 20);
    assert_ok(core_broadcast(add_some, "dead.example"));
    assert_ok(core_broadcast(add_some, "never.example"));
    mail_to("a@x.example", "", "1@never-b.example", 60);  /* the same site */
    assert_ok(core_broadcast(add_some, "later.example")); /* whose route is not to be had */
    wait_until_tried(4);
    assert_ok(fiber_sleep(100 * TIME_MS));
    assert_ok(queue_sites(0, &out));
    assert_int_equal(count_in(&out, "\"site\":"), 3);
    /* No core has the site of "never" any more: it is named by its route; its mark names it, too.
     */
    char mark[16];
    const char *line = "{\"site\":\"never\",\"domain\":\"never";
    assert_null(map_get(&sites.by_name, SLICE("never")));
    snprintf(mark, sizeof mark, "#%08x", (unsigned)site_mark(SLICE("never")));
    assert_int_equal(count_in(&out, line), 1);
    assert_int_equal(listed((struct queue_selection){.site = slice_from_string(mark)}), 21);
    assert_int_equal(listed((struct queue_selection){.site = SLICE("never")}), 21);
    assert_int_equal(count_in(&out, "{\"site\":\"dead\",\"domain\":\"dead.example\""), 1);
    assert_int_equal(count_in(&out, "\"waiting\":21,\"active\":0,\"held\":0,\"deferred\":21"), 1);
    assert_int_equal(count_in(&out, "{\"site\":\"later.example\",\"domain\":\"later.example\""), 1);
    assert_int_equal(listed((struct queue_selection){.site = SLICE("Later.example")}), 20);
    /* "never" moved to other hosts meanwhile: its old name is not to be had, the mark is. */
    world.moved = true;
    struct buffer moved;
    char unnamed[64];
    buffer_init(&moved, 1 << 20);
    assert_ok(queue_sites(0, &moved));
    snprintf(unnamed, sizeof unnamed, "{\"site\":\"%s\",\"domain\":\"never", mark);
    assert_int_equal(count_in(&moved, unnamed), 1);
    buffer_close(&moved);
    world.moved = false;
    assert_int_equal(count_in(&out, "\"state\":\"paused\""), 1);
    assert_int_equal(count_in(&out, "connection refused"), 1);
    assert_int_equal(count_in(&out, "\"count\":3,\"others\":0}"), 1);
    buffer_reset(&out);
    assert_ok(queue_sites(1, &out)); /* the one with most */
    assert_int_equal(count_in(&out, "\"site\":"), 1);
    assert_int_equal(count_in(&out, line), 1);
    assert_int_equal(count_in(&out, "\"count\":3,\"others\":40}"), 1);
    buffer_close(&out);
    give(QUEUE_DELETE, (struct queue_selection){0});
}

static void test_sites(void **state)
{
    (void)state;
    sim_defaults();
    sim_settings.retry_min = sim_settings.retry_max = 3600 * TIME_S;
    sim_run(2, look_at_sites);
}

static void hold_and_release(void)
{
    assert_ok(core_broadcast(add_some, "dead.example"));
    wait_until_tried(2);
    assert_int_equal(give(QUEUE_HOLD, (struct queue_selection){0}), 20);
    assert_int_equal(give(QUEUE_HOLD, (struct queue_selection){0}), 0);
    assert_int_equal(give(QUEUE_FLUSH, (struct queue_selection){0}), 0); /* held is held */
    world.revived = true;
    assert_ok(fiber_sleep(300 * TIME_MS));
    assert_int_equal(world.deliveries, 0);
    assert_int_equal(give(QUEUE_RELEASE, (struct queue_selection){.sender = SLICE("@x.example")}),
                     20);
    sim_wait(10);
    assert_int_equal(world.deliveries, 20);
}

static void test_hold_and_release(void **state)
{
    (void)state;
    sim_defaults();
    sim_run(2, hold_and_release);
}

/* A flush does not care that the site is paused, nor for how long its mail was to wait. */
static void flush_paused(void)
{
    assert_ok(core_broadcast(add_some, "dead.example"));
    wait_until_tried(2);
    assert_ok(fiber_sleep(100 * TIME_MS));
    uint64_t opens = world.opens;
    assert_ok(fiber_sleep(200 * TIME_MS));
    assert_int_equal(world.opens, opens);
    world.revived = true;
    assert_int_equal(give(QUEUE_FLUSH, (struct queue_selection){0}), 20);
    sim_wait(5);
    assert_int_equal(world.deliveries, 20);
}

static void test_flush(void **state)
{
    (void)state;
    sim_defaults();
    sim_settings.retry_min = sim_settings.retry_max = 3600 * TIME_S;
    sim_run(2, flush_paused);
}

/* Mail that is with its site, in the line or on a connection, is recalled. */
static void give_up_what_is_out(void)
{
    for (unsigned i = 0; i < 100; i++) {
        char address[64];
        snprintf(address, sizeof address, "%u@slow.example", i);
        mail_to("a@x.example", "", address, 60);
    }
    while (world.deliveries < 10)
        assert_ok(fiber_sleep(TIME_MS));
    uint64_t count = give(QUEUE_BOUNCE, (struct queue_selection){0});
    assert_true(count > 50);
    sim_wait(10);
    unsigned delivered = 0, bounced = 0;
    for (unsigned i = 0; i < 100; i++) {
        assert_int_equal(world.ledger[i].delivered + world.ledger[i].bounced, 1);
        delivered += world.ledger[i].delivered;
        bounced += world.ledger[i].bounced;
    }
    assert_true(bounced <= count && bounced > 50);
    assert_true(delivered >= 10);
}

static void test_recalled(void **state)
{
    (void)state;
    sim_defaults();
    sim_settings.concurrency = sim_settings.concurrency_first = 2;
    sim_run(1, give_up_what_is_out);
    sim_defaults();
    sim_settings.concurrency = sim_settings.concurrency_first = 2;
    sim_run(2, give_up_what_is_out);
}

static void release_the_future(void)
{
    const struct queue_recipient to = {.address = SLICE("1@good.example")};
    const struct queue_envelope envelope = {
        .sender = SLICE("a@x.example"),
        .recipients = &to,
        .recipient_count = 1,
        .hold_until = time_wall_seconds() + 3600,
    };
    queue_schedule_add(mail_make(&envelope, 7200));
    assert_int_equal(give(QUEUE_FLUSH, (struct queue_selection){0}), 0);
    assert_int_equal(give(QUEUE_RELEASE, (struct queue_selection){0}), 1);
    sim_wait(5);
    assert_int_equal(world.ledger[1].delivered, 1);
}

static void test_release_before_its_time(void **state)
{
    (void)state;
    sim_defaults();
    sim_run(1, release_the_future);
}

/* ---- Seen ---- */

static bool has(const struct buffer *buffer, const char *text)
{
    return slice_find(buffer_slice(buffer), slice_from_string(text)) >= 0;
}

static void look(void)
{
    struct buffer out;
    buffer_init(&out, 1 << 20);
    assert_ok(core_broadcast(add_some, "dead.example"));
    wait_until_tried(2);
    assert_ok(fiber_sleep(50 * TIME_MS));
    assert_ok(queue_statistics(&out));
    assert_true(has(&out, "{\"mails\":20,\"held\":0,"));
    assert_true(has(&out, "\"waiting\":20,\"active\":0,\"held\":0"));
    assert_true(has(&out, "\"ages\":{\"1m\":20,"));
    assert_true(has(&out, "{\"site\":\"dead\","));
    assert_true(has(&out, "\"paused\":true,"));
    assert_true(has(&out, "\"answer\":\"connection refused\""));
    buffer_reset(&out);
    assert_ok(queue_list(&(struct queue_selection){.count_max = 1}, &out));
    assert_true(has(&out, "\"state\":\"waiting\",\"attempts\":"));
    struct body body;
    body_init(&body, 1 << 20);
    assert_ok(queue_show(queue_keep_next(NULL)->id, &body));
    assert_slice(body_slice(&body), "text\n");
    body_close(&body);
    body_init(&body, 1 << 20);
    assert_error(queue_show(12345, &body), ERROR_NOT_FOUND);
    body_close(&body);
    body_init(&body, 3);
    assert_error(queue_show(queue_keep_next(NULL)->id, &body), ERROR_LIMIT);
    body_close(&body);
    buffer_close(&out);
}

static void test_lists_and_numbers(void **state)
{
    (void)state;
    sim_defaults();
    sim_settings.retry_min = sim_settings.retry_max = 3600 * TIME_S;
    sim_run(2, look);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_selections),
        cmocka_unit_test(test_pages),
        cmocka_unit_test(test_states),
        cmocka_unit_test(test_sites),
        cmocka_unit_test(test_hold_and_release),
        cmocka_unit_test(test_flush),
        cmocka_unit_test(test_recalled),
        cmocka_unit_test(test_release_before_its_time),
        cmocka_unit_test(test_lists_and_numbers),
    };
    setenv("CMOCKA_TEST_ABORT", "1", 0); /* these fail on other threads than the runner's */
    log_configure(2, LOG_ERROR, LOG_LOGFMT);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
