/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check.h"

#include "base/time.h"
#include "load/scenario.h"

static struct arena arena;
static struct load_scenario scenario;
static slice complaint;

static error parse(const char *text)
{
    arena_reset(&arena);
    complaint = SLICE_EMPTY;
    TRY(load_scenario_parse(slice_from_string(text), &arena, &scenario, &complaint));
    return load_scenario_finish(&scenario, &arena, &complaint);
}

static void test_reads_all_keys(void **state)
{
    (void)state;
    assert_ok(parse(
        "name mixed # a comment\nduration 90s\nwarmup 500ms\nrate 300\ntarget p99.9 10ms\n\n"
        "flow in\nprotocol smtp\nport 2525\nconnections 20\nweight 20\nsize 4k:70 16k-64k:30\n"
        "tls starttls 25%\nthink 2ms\nrecipients 3\nusers u%03d@x.org 5-9\n"
        "flow sync\nprotocol imap\nweight 80\nper-connection 10\nstep select SELECT INBOX\n"
        "step wait @idle 5s\nstep mail @verify FETCH 1:* BODY.PEEK[]\nstep put @append Sent\n"));
    assert_string_equal(scenario.name, "mixed");
    assert_int_equal(scenario.duration, 90 * TIME_S);
    assert_int_equal(scenario.warmup, 500 * TIME_MS);
    assert_int_equal(scenario.target, 10 * TIME_MS);
    assert_true(scenario.target_quantile > 0.9989 && scenario.target_quantile < 0.9991);
    assert_int_equal(scenario.flow_count, 2);
    const struct load_flow *in = &scenario.flows[0], *sync = &scenario.flows[1];
    assert_int_equal(in->rate, 60);
    assert_int_equal(sync->rate, 240);
    assert_int_equal(in->size_count, 2);
    assert_int_equal(in->sizes[1].low, 16384);
    assert_int_equal(in->sizes[1].high, 65536);
    assert_int_equal(in->tls, LOAD_TLS_START);
    assert_true(in->tls_share == 0.25);
    assert_int_equal(in->think, 2 * TIME_MS);
    assert_int_equal(sync->port, 143);
    assert_int_equal(sync->step_count, 4);
    assert_int_equal(sync->steps[1].action, LOAD_IDLE);
    assert_int_equal(sync->steps[1].span, 5 * TIME_S);
    assert_int_equal(sync->steps[2].action, LOAD_VERIFY);
    assert_slice(sync->steps[2].text, "FETCH 1:* BODY.PEEK[]");
    assert_slice(sync->steps[3].text, "Sent");
}

static void test_names_users(void **state)
{
    (void)state;
    char room[128];
    assert_ok(parse("flow a\nprotocol smtp\nusers u%03d@x.org 5-9\n"));
    assert_slice(load_flow_user(&scenario.flows[0], 0, room, sizeof room), "u005@x.org");
    assert_slice(load_flow_user(&scenario.flows[0], 4, room, sizeof room), "u009@x.org");
    assert_slice(load_flow_user(&scenario.flows[0], 5, room, sizeof room), "u005@x.org");
    assert_ok(parse("flow a\nprotocol smtp\nusers only@x.org\n"));
    assert_slice(load_flow_user(&scenario.flows[0], 7, room, sizeof room), "only@x.org");
    assert_slice(load_flow_login(&scenario.flows[0], 7, room, sizeof room), "only@x.org");
    assert_ok(parse("flow a\nprotocol submission\nusers to%d@x.org 5-9\nlogin u%d@y.org\n"));
    assert_slice(load_flow_login(&scenario.flows[0], 1, room, sizeof room), "u6@y.org");
    assert_slice(load_flow_user(&scenario.flows[0], 1, room, sizeof room), "to6@x.org");
}

static void test_says_what_is_wrong_and_where(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "flow a\nprotocol gopher",
        "colour blue",
        "flow a\nsize 4q",
        "flow a\nsize 9k-4k",
        "flow a\ntls maybe",
        "flow a\ntls starttls 150%",
        "flow a\nconnections many",
        "flow a\nport 70000",
        "duration soon",
        "target 10ms",
        "flow a\nusers u%d@x.org 9-5",
        "flow a\nprotocol imap\nstep alone",
        "flow a\nprotocol imap\nstep a @juggle",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_error(parse(bad[i]), ERROR_MALFORMED);
        assert_true(slice_starts(complaint, SLICE("line ")));
    }
    assert_error(parse("flow a\nprotocol imap\n"), ERROR_MALFORMED); /* no steps */
    assert_error(parse("# nothing\n"), ERROR_MALFORMED);
}

static void test_keeps_its_limits(void **state)
{
    (void)state;
    char text[4096] = "";
    for (int i = 0; i <= LOAD_FLOWS_MAX; i++)
        strcat(text, "flow a\nprotocol smtp\n");
    assert_error(parse(text), ERROR_MALFORMED);
    strcpy(text, "flow a\nprotocol imap\n");
    for (int i = 0; i <= LOAD_STEPS_MAX; i++)
        strcat(text, "step a NOOP\n");
    assert_error(parse(text), ERROR_MALFORMED);
    assert_error(parse("flow a\nsize 1 1 1 1 1 1 1 1 1\n"), ERROR_MALFORMED);
}

static void test_takes_settings_from_the_command_line(void **state)
{
    (void)state;
    assert_ok(parse("flow a\nprotocol smtp\nflow b\nprotocol smtp\n"));
    assert_ok(load_scenario_set(&scenario, SLICE("*.port=2525"), &arena, &complaint));
    assert_ok(load_scenario_set(&scenario, SLICE("b.size=64k"), &arena, &complaint));
    assert_ok(load_scenario_set(&scenario, SLICE("duration=1s"), &arena, &complaint));
    assert_int_equal(scenario.flows[0].port, 2525);
    assert_int_equal(scenario.flows[0].sizes[0].low, 4096);
    assert_int_equal(scenario.flows[1].sizes[0].low, 65536);
    assert_error(load_scenario_set(&scenario, SLICE("c.port=1"), &arena, &complaint),
                 ERROR_MALFORMED);
    assert_error(load_scenario_set(&scenario, SLICE("port"), &arena, &complaint), ERROR_MALFORMED);
}

int main(void)
{
    arena_init(&arena, 1 << 20);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_all_keys),
        cmocka_unit_test(test_names_users),
        cmocka_unit_test(test_says_what_is_wrong_and_where),
        cmocka_unit_test(test_keeps_its_limits),
        cmocka_unit_test(test_takes_settings_from_the_command_line),
    };
    int failures = cmocka_run_group_tests(tests, NULL, NULL);
    arena_close(&arena);
    return failures;
}
