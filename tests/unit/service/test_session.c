/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/pair.h"

#include "base/buffer.h"
#include "service/session.h"

#include <stdlib.h>

static void enter_and_leave(void *argument)
{
    (void)argument;
    int others[2];
    struct stream *streams[2] = {make_pair(&others[0]), make_pair(&others[1])};
    struct session sessions[2] = {0};
    session_enter(&sessions[0], "smtp", streams[0]);
    session_enter(&sessions[1], "imap", streams[1]);
    assert_int_equal(session_count(), 2);
    assert_true(sessions[0].number != sessions[1].number);
    session_set_account(&sessions[1], SLICE("user@example.org"));
    sessions[1].state = "idle";

    char id[SESSION_ID_SIZE];
    session_id(&sessions[1], id);
    assert_int_equal(strlen(id), 16);
    assert_true(strtoull(id, NULL, 16) == sessions[1].number);

    struct buffer out;
    buffer_init(&out, 1 << 16);
    session_write_all(&out);
    buffer_add_byte(&out, '\0');
    assert_non_null(strstr(out.data, id));
    assert_non_null(strstr(out.data, "\"protocol\":\"imap\",\"state\":\"idle\""));
    assert_non_null(strstr(out.data, "\"account\":\"user@example.org\""));
    assert_non_null(strstr(out.data, "\"protocol\":\"smtp\",\"state\":\"\""));
    buffer_close(&out);

    /* Moving away and back keeps number and age. */
    uint64_t number = sessions[0].number;
    session_leave(&sessions[0]);
    session_leave(&sessions[0]);
    assert_int_equal(session_count(), 1);
    session_enter(&sessions[0], "smtp", streams[0]);
    assert_true(sessions[0].number == number);
    session_leave(&sessions[0]);
    session_leave(&sessions[1]);
    assert_int_equal(session_count(), 0);
    for (int i = 0; i < 2; i++) {
        stream_close(&streams[i]);
        close(others[i]);
    }
}

static void test_register(void **state)
{
    (void)state;
    on_core(enter_and_leave);
}

static void long_account(void *argument)
{
    (void)argument;
    struct session session = {0};
    char address[SESSION_ACCOUNT_SIZE_MAX + 1];
    memset(address, 'x', sizeof address);
    session_set_account(&session, slice_of(address, sizeof address));
    assert_int_equal(session.account_size, SESSION_ACCOUNT_SIZE_MAX);
    session_set_account(&session, SLICE_EMPTY);
    assert_int_equal(session.account_size, 0);
}

static void test_long_accounts_are_cut(void **state)
{
    (void)state;
    on_core(long_account);
}

static error waited;

static void wait_for_command(void *argument)
{
    struct session session = {0};
    session_enter(&session, "smtp", argument);
    waited = stream_wait_input(argument, soon());
    session_leave(&session);
}

/* A session that waits is woken, and one that begins too late is woken at once. */
static void end_all(void *argument)
{
    (void)argument;
    int other;
    struct stream *stream = make_pair(&other);
    assert_false(session_must_end());
    assert_ok(fiber_start(session_crew(), "session", wait_for_command, stream));
    assert_ok(fiber_sleep(5 * TIME_MS));
    assert_int_equal(session_count(), 1);
    session_end_all();
    assert_true(session_must_end());
    assert_ok(crew_join(session_crew(), soon()));
    assert_error(waited, ERROR_BUSY);

    waited = OK;
    assert_ok(fiber_start(session_crew(), "session", wait_for_command, stream));
    assert_ok(crew_join(session_crew(), soon()));
    assert_error(waited, ERROR_BUSY);
    stream_close(&stream);
    close(other);
}

static void test_stopping_wakes_sessions(void **state)
{
    (void)state;
    on_core(end_all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_register), cmocka_unit_test(test_long_accounts_are_cut),
        cmocka_unit_test(test_stopping_wakes_sessions), /* last: it never unstops */
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
