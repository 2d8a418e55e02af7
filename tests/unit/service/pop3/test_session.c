/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Whole dialogues with the store in memory. Scripts as a real server sees them are in
 * tests/wire/pop3; here is what needs a hand on the store while the session waits.
 */
#include "check.h"

#include "base/log.h"
#include "service/login/mechanism.h"
#include "service/pop3/fakes.h"
#include "service/pop3/presence.h"
#include "service/pop3/session.h"

static struct pop3_settings settings;
static struct login_settings login;
static struct arena arena;
static struct mailbox *inbox;

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, 1 << 20);
    log_configure(2, LOG_ERROR, LOG_LOGFMT);
    assert_ok(settings_default(&pop3_setting_table, &arena, &settings));
    assert_ok(settings_default(&login_setting_table, &arena, &login));
    settings.plaintext_login = true;
    memset(&world, 0, sizeof world);
    fake_store_open();
    inbox = fake_find(SLICE("INBOX"));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fake_store_close();
    arena_close(&arena);
    return 0;
}

static void check_on(unsigned core, slice input, const char *expected)
{
    struct stream stream;
    fake_session(&(struct fake_options){&settings, &login, true, core}, input, &stream);
    buffer_add_byte(&stream.output, '\0');
    assert_string_equal(stream.output.data, expected);
    fake_session_close(&stream);
}

#define CHECK(input, expected) check_on(0, SLICE(input), expected)
#define W "\xfe"
#define GREETING "+OK Ringmail ready\r\n"
#define LOGIN "USER user\r\nPASS secret\r\n"
#define ASKED GREETING "+OK the password, please\r\n"
#define MARKED "+OK marked to be deleted\r\n"
#define BYE "+OK bye\r\n"

/* What was pipelined behind PASS is answered at home. */
static void test_moves_home_after_login(void **state)
{
    (void)state;
    fake_deliver(inbox, SLICE("a: b\r\n\r\nc\r\n"), 0);
    check_on(1, SLICE(LOGIN "STAT\r\nQUIT\r\n"),
             ASKED "+OK 1 messages, 11 octets\r\n"
                   "+OK 1 11\r\n" BYE);
    assert_int_equal(inbox->count, 1);
}

static void test_login_failures(void **state)
{
    (void)state;
    login.attempts_max = 2;
    CHECK("USER trouble\r\nPASS x\r\nUSER guessed\r\nPASS x\r\nUSER broken\r\nPASS secret\r\n"
          "STAT\r\nUSER u\r\nPASS x\r\nPASS x\r\nUSER u\r\nPASS y\r\nNOOP\r\n",
          ASKED "-ERR [SYS/TEMP] try again later\r\n"
                "+OK the password, please\r\n"
                "-ERR [SYS/TEMP] too many failed logins from this address\r\n"
                "+OK the password, please\r\n"
                "-ERR [SYS/TEMP] try again later\r\n"
                "-ERR log in first\r\n"
                "+OK the password, please\r\n"
                "-ERR [AUTH] wrong name or password\r\n"
                "-ERR say USER first\r\n"
                "+OK the password, please\r\n"
                "-ERR [AUTH] wrong name or password\r\n");
}

/* RFC 2595 4: nor is the name known any more that was said in clear text. */
static void test_stls_forgets_what_came_ahead(void **state)
{
    (void)state;
    settings.plaintext_login = false;
    CHECK("PASS x\r\nSTLS\r\nCAPA\r\n" W "PASS secret\r\n" LOGIN "QUIT\r\n",
          GREETING "-ERR start TLS first\r\n+OK begin TLS now\r\n-ERR say USER first\r\n"
                   "+OK the password, please\r\n+OK 0 messages, 0 octets\r\n" BYE);
    settings.plaintext_login = true;
    CHECK("USER user\r\nSTLS\r\n" W "PASS secret\r\n",
          ASKED "+OK begin TLS now\r\n-ERR say USER first\r\n");
}

/* RFC 1939 6: only QUIT deletes. */
static void test_a_lost_connection_deletes_nothing(void **state)
{
    (void)state;
    fake_deliver(inbox, SLICE("a: 1\r\n"), 0);
    fake_deliver(inbox, SLICE("a: 2\r\n"), 0);
    CHECK(LOGIN "DELE 1\r\nDELE 2\r\nSTAT\r\n",
          ASKED "+OK 2 messages, 12 octets\r\n" MARKED MARKED "+OK 0 0\r\n");
    assert_int_equal(inbox->count, 2);
    CHECK(LOGIN "DELE 1\r\nQUI", ASKED "+OK 2 messages, 12 octets\r\n" MARKED);
    assert_int_equal(inbox->count, 2);
    CHECK(LOGIN "DELE 1\r\nRSET\r\nDELE 2\r\nQUIT\r\nDELE 1\r\n",
          ASKED "+OK 2 messages, 12 octets\r\n" MARKED "+OK nothing is marked\r\n" MARKED BYE);
    assert_int_equal(inbox->count, 1);
    assert_int_equal(inbox->mails[0].mail.uid, 1);
}

static void end_server(unsigned wait)
{
    if (wait == 1) {
        world.ending = true;
        stream_interrupt(world.stream);
    }
}

static void test_a_server_that_stops_deletes_nothing(void **state)
{
    (void)state;
    fake_deliver(inbox, SLICE("a: 1\r\n"), 0);
    world.meanwhile = end_server;
    CHECK(LOGIN W "DELE 1\r\n" W "QUIT\r\n", ASKED "+OK 1 messages, 6 octets\r\n" MARKED
                                                   "-ERR [SYS/TEMP] the server is going down\r\n");
    assert_int_equal(inbox->count, 1);
}

static void change(unsigned wait)
{
    (void)wait;
    fake_remove(inbox, 1);
    fake_deliver(inbox, SLICE("a: 3\r\n"), 0);
}

/* Numbers and sizes stay as they were at the login. */
static void test_another_session_changes_the_mailbox(void **state)
{
    (void)state;
    fake_deliver(inbox, SLICE("a: 1\r\n"), 0);
    fake_deliver(inbox, SLICE("a: 22\r\n"), 0);
    world.meanwhile = change;
    CHECK(LOGIN W "STAT\r\nLIST\r\nUIDL\r\nRETR 1\r\nRETR 2\r\nRETR 3\r\nDELE 1\r\nQUIT\r\n",
          ASKED "+OK 2 messages, 13 octets\r\n"
                "+OK 2 13\r\n"
                "+OK 2 messages\r\n1 6\r\n2 7\r\n.\r\n"
                "+OK 2 messages\r\n1 0000000100000007\r\n2 0000000200000007\r\n.\r\n"
                "-ERR the message is gone\r\n"
                "+OK 7 octets\r\na: 22\r\n.\r\n"
                "-ERR no such message\r\n" MARKED BYE);
    assert_int_equal(inbox->count, 2);
    assert_int_equal(inbox->mails[0].mail.uid, 2);
}

static void test_retr_marks_as_seen(void **state)
{
    (void)state;
    fake_deliver(inbox, SLICE("a: 1\r\n"), 0);
    CHECK(LOGIN "TOP 1 0\r\nQUIT\r\n",
          ASKED "+OK 1 messages, 6 octets\r\n+OK 6 octets\r\na: 1\r\n.\r\n" BYE);
    assert_int_equal(inbox->mails[0].mail.flags, 0);
    settings.mark_seen = false;
    CHECK(LOGIN "RETR 1\r\nQUIT\r\n",
          ASKED "+OK 1 messages, 6 octets\r\n+OK 6 octets\r\na: 1\r\n.\r\n" BYE);
    assert_int_equal(inbox->mails[0].mail.flags, 0);
    settings.mark_seen = true;
    CHECK(LOGIN "RETR 1\r\nQUIT\r\n",
          ASKED "+OK 1 messages, 6 octets\r\n+OK 6 octets\r\na: 1\r\n.\r\n" BYE);
    assert_int_equal(inbox->mails[0].mail.flags, MAIL_SEEN);
}

static void test_an_unreadable_message_is_no_end(void **state)
{
    (void)state;
    fake_deliver(inbox, SLICE("a: 1\r\n"), 0);
    fake_deliver(inbox, SLICE("a: 2\r\n"), 0);
    inbox->mails[0].mail.base_name_size = 1;
    CHECK(LOGIN "RETR 1\r\nRETR 2\r\nQUIT\r\n",
          ASKED "+OK 2 messages, 12 octets\r\n-ERR [SYS/TEMP] try again later\r\n"
                "+OK 6 octets\r\na: 2\r\n.\r\n" BYE);
}

/* POP3_CHUNK_SIZE and POP3_OUTPUT_SIZE_MAX: a message larger than both, with dots at their edges.
 */
static void test_a_large_message(void **state)
{
    (void)state;
    struct buffer mail, expected;
    buffer_init(&mail, 1 << 20);
    buffer_init(&expected, 1 << 20);
    buffer_add_string(&expected, ASKED);
    for (unsigned i = 0; i < 6 * POP3_CHUNK_SIZE / 32; i++)
        buffer_format(&mail, "%s line %08u 8901234567890123\r\n", i % 97 ? "" : ".", i);
    buffer_format(&expected, "+OK 1 messages, %zu octets\r\n+OK %zu octets\r\n", mail.size,
                  mail.size);
    for (unsigned i = 0; i < 6 * POP3_CHUNK_SIZE / 32; i++)
        buffer_format(&expected, "%s line %08u 8901234567890123\r\n", i % 97 ? "" : "..", i);
    buffer_add_string(&expected, ".\r\n" BYE);
    assert_true(mail.size > 3 * POP3_OUTPUT_SIZE_MAX);
    fake_deliver(inbox, buffer_slice(&mail), 0);
    buffer_add_byte(&expected, '\0');
    CHECK(LOGIN "RETR 1\r\nQUIT\r\n", expected.data);
    buffer_close(&mail);
    buffer_close(&expected);
}

/* From a mailbox taken over: data/store/pop3_uidl.h. */
static void test_ids_of_old(void **state)
{
    (void)state;
    fake_deliver(inbox, SLICE("a: 1\r\n"), 0);
    fake_deliver(inbox, SLICE("a: 2\r\n"), 0);
    fake_uidl = 2;
    CHECK(LOGIN "UIDL\r\nUIDL 1\r\nUIDL 2\r\nQUIT\r\n", ASKED
          "+OK 2 messages, 12 octets\r\n+OK 2 messages\r\n1 0000000100000007\r\n2 of-old\r\n.\r\n"
          "+OK 1 0000000100000007\r\n+OK 2 of-old\r\n" BYE);
    fake_uidl = 0;
}

/* pop3.messages_max */
static void test_messages_max(void **state)
{
    (void)state;
    fake_deliver(inbox, SLICE("a: 1\r\n"), 0);
    fake_deliver(inbox, SLICE("a: 2\r\n"), 0);
    settings.messages_max = 1;
    CHECK(LOGIN "DELE 1\r\nDELE 2\r\nQUIT\r\n",
          ASKED "+OK 1 messages, 6 octets\r\n" MARKED "-ERR no such message\r\n" BYE);
    assert_int_equal(inbox->count, 1);
    assert_int_equal(inbox->mails[0].mail.uid, 2);
}

/* POP3_LINE_SIZE_MAX, POP3_ARENA_SIZE_MAX: no line that is taken can fill the arena. */
static void test_line_size_max(void **state)
{
    (void)state;
    char input[2 * POP3_LINE_SIZE_MAX];
    _Static_assert(
        POP3_LINE_SIZE_MAX + LOGIN_RESPONSE_SIZE_MAX + POP3_CHUNK_SIZE < POP3_ARENA_SIZE_MAX, "");
    memset(input, 'x', sizeof input);
    memcpy(input, "NOOP ", 5);
    memcpy(input + POP3_LINE_SIZE_MAX, "\r\nNOOP\r\n", 8);
    check_on(0, slice_of(input, POP3_LINE_SIZE_MAX + 8),
             GREETING "-ERR too many arguments\r\n-ERR log in first\r\n");
    input[POP3_LINE_SIZE_MAX] = 'x';
    memcpy(input + POP3_LINE_SIZE_MAX + 1, "\r\nNOOP\r\n", 8);
    check_on(0, slice_of(input, POP3_LINE_SIZE_MAX + 9),
             GREETING "-ERR the line is too long\r\n-ERR log in first\r\n");
}

/* pop3.sessions_per_account_max */
static void test_presence(void **state)
{
    (void)state;
    struct pop3_presence first = {0}, second = {0}, third = {0}, other = {0};
    assert_ok(pop3_presence_enter(&first, SLICE("a@b"), 2));
    assert_ok(pop3_presence_enter(&second, SLICE("a@b"), 2));
    assert_error(pop3_presence_enter(&third, SLICE("a@b"), 2), ERROR_LIMIT);
    assert_ok(pop3_presence_enter(&other, SLICE("b@b"), 1));
    pop3_presence_leave(&third); /* harmless */
    pop3_presence_leave(&first);
    pop3_presence_leave(&first);
    assert_ok(pop3_presence_enter(&third, SLICE("a@b"), 2));
    pop3_presence_leave(&second);
    pop3_presence_leave(&third);
    pop3_presence_leave(&other);
}

/* pop3.login_delay; POP3_DELAYS_MAX: past it the oldest are forgotten, nobody is refused for
 * another's login. */
static void test_login_delay(void **state)
{
    (void)state;
    assert_ok(pop3_presence_login(SLICE("a@b"), 100, 10));
    assert_error(pop3_presence_login(SLICE("a@b"), 109, 10), ERROR_BUSY);
    assert_ok(pop3_presence_login(SLICE("c@b"), 109, 10));
    assert_ok(pop3_presence_login(SLICE("a@b"), 109, 0));
    assert_ok(pop3_presence_login(SLICE("a@b"), 110, 10));
    for (unsigned i = 0; i < 2 * POP3_DELAYS_MAX; i++)
        assert_ok(pop3_presence_login(slice_of(&i, sizeof i), 111, 10));
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_moves_home_after_login),
        TEST(test_login_failures),
        TEST(test_stls_forgets_what_came_ahead),
        TEST(test_a_lost_connection_deletes_nothing),
        TEST(test_a_server_that_stops_deletes_nothing),
        TEST(test_another_session_changes_the_mailbox),
        TEST(test_retr_marks_as_seen),
        TEST(test_an_unreadable_message_is_no_end),
        TEST(test_a_large_message),
        TEST(test_ids_of_old),
        TEST(test_messages_max),
        TEST(test_line_size_max),
        TEST(test_presence),
        TEST(test_login_delay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
