/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Whole dialogues with the store in memory. Scripts as a real server sees them are in
 * tests/wire/imap; here is what needs a hand on the store while the session waits.
 */
#include "check.h"

#include "base/log.h"
#include "format/mail/mime.h"
#include "service/imap/fakes.h"
#include "service/imap/session.h"

#include <stdio.h>

static struct imap_settings settings;
static struct login_settings login;
static struct arena arena;
static struct mailbox *inbox;

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, 1 << 20);
    log_configure(2, LOG_ERROR, LOG_LOGFMT);
    assert_ok(settings_default(&imap_setting_table, &arena, &settings));
    assert_ok(settings_default(&login_setting_table, &arena, &login));
    settings.plaintext_login = true;
    memset(&world, 0, sizeof world);
    fake_changes_max = FAKE_CHANGES_MAX;
    fake_crowd = 0;
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

#define W "\xfe"
#define GREETING                                                                                   \
    "* OK [CAPABILITY IMAP4rev1 SASL-IR ID ENABLE LITERAL- STARTTLS AUTH=PLAIN AUTH=LOGIN] "       \
    "Ringmail ready\r\n"
#define USER_CAPABILITY                                                                            \
    "IMAP4rev1 SASL-IR ID ENABLE LITERAL+ IDLE NAMESPACE CHILDREN UIDPLUS MOVE UNSELECT "          \
    "SPECIAL-USE LIST-EXTENDED LIST-STATUS WITHIN"
#define LOGGED_IN "l OK [CAPABILITY " USER_CAPABILITY "] logged in\r\n"
#define LOGIN "l LOGIN user secret\r\n"
#define ALL_FLAGS "\\Answered \\Flagged \\Deleted \\Seen \\Draft"
#define SELECTED(exists, recent, unseen, next)                                                     \
    "* FLAGS (" ALL_FLAGS ")\r\n"                                                                  \
    "* OK [PERMANENTFLAGS (" ALL_FLAGS " \\*)] these are kept\r\n"                                 \
    "* " #exists " EXISTS\r\n* " #recent " RECENT\r\n" unseen                                      \
    "* OK [UIDVALIDITY 7] UIDs are valid\r\n* OK [UIDNEXT " #next "] predicted next UID\r\n"       \
    "s OK [READ-WRITE] SELECT completed\r\n"
#define UNSEEN(number) "* OK [UNSEEN " #number "] first unseen message\r\n"
#define SELECT "s SELECT inbox\r\n"

static void deliver(unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        assert_int_not_equal(fake_deliver(inbox, SLICE("Subject: x\r\n\r\nbody\r\n"), 0), 0);
}

static void test_moves_home_after_login(void **state)
{
    (void)state;
    /* what was pipelined behind the login goes along */
    check_on(3, SLICE("a LOGIN {4}\r\n" W "user {6}\r\n" W "secret\r\nb NOOP\r\nc LOGOUT\r\n"),
             GREETING "+ go ahead\r\n+ go ahead\r\na OK [CAPABILITY " USER_CAPABILITY
                      "] logged in\r\nb OK NOOP completed\r\n* BYE logging out\r\n"
                      "c OK LOGOUT completed\r\n");
}

static void test_login_failures(void **state)
{
    (void)state;
    check_on(0,
             SLICE("a LOGIN user wrong\r\nb LOGIN trouble secret\r\nc LOGIN guessed secret\r\n"
                   "d LOGIN broken secret\r\ne AUTHENTICATE LOGIN\r\n" W "dXNlcg==\r\n" W
                   "c2VjcmV0\r\n"),
             GREETING "a NO [AUTHENTICATIONFAILED] wrong name or password\r\n"
                      "b NO [UNAVAILABLE] try again later\r\n"
                      "c NO [UNAVAILABLE] too many failed logins from this address\r\n"
                      "d NO [UNAVAILABLE] try again later\r\n"
                      "+ VXNlcm5hbWU6\r\n+ UGFzc3dvcmQ6\r\ne OK [CAPABILITY " USER_CAPABILITY
                      "] logged in\r\n");
    assert_int_equal(world.secrets_left, 0);
}

/* At home the account cannot be opened: a stranger again, who may turn out to live elsewhere. */
static void test_moves_home_twice(void **state)
{
    (void)state;
    check_on(1, SLICE("a LOGIN broken secret\r\nb LOGIN far secret\r\nc NOOP\r\n"),
             GREETING "a NO [UNAVAILABLE] try again later\r\n"
                      "b OK [CAPABILITY " USER_CAPABILITY "] logged in\r\n"
                      "c OK NOOP completed\r\n");
    assert_int_equal(world.core, 2);
}

static void test_starttls_forgets_what_came_ahead(void **state)
{
    (void)state;
    check_on(0, SLICE("a STARTTLS\r\nb LOGOUT\r\n" W "c NOOP\r\n"),
             GREETING "a OK begin TLS now\r\nc OK NOOP completed\r\n");
}

/* Another session, at successive waits. */
static void others(unsigned wait)
{
    static const struct flag_change flag = {FLAGS_ADD, MAIL_FLAGGED, 0, UINT64_MAX};
    switch (wait) {
    case 0:
        fake_remove(inbox, 2);
        assert_ok(mailbox_flags(inbox, 4, &flag));
        deliver(1);
        break;
    case 1:
        fake_remove(inbox, 1);
        fake_remove(inbox, 4);
        break;
    default:
        break;
    }
}

static void test_expunges_wait_for_their_moment(void **state)
{
    (void)state;
    deliver(4);
    world.meanwhile = others;
    check_on(0,
             SLICE(LOGIN SELECT W "a FETCH 1:4 UID\r\nb STORE 3 +FLAGS.SILENT \\Seen\r\n"
                                  "c SEARCH 1:2\r\nd NOOP\r\n" W "e UID FETCH 1:9 FLAGS\r\n"),
             GREETING LOGGED_IN SELECTED(4, 4, UNSEEN(1), 5)
             /* number 2 is gone but not told; new mail and flags are told */
             "* 1 FETCH (UID 1)\r\n* 3 FETCH (UID 3)\r\n* 4 FETCH (UID 4)\r\n"
             "* 5 EXISTS\r\n* 5 RECENT\r\n"
             "* 4 FETCH (UID 4 FLAGS (\\Flagged \\Recent))\r\n"
             "a OK [EXPUNGEISSUED] FETCH completed\r\n"
             "b OK [EXPUNGEISSUED] STORE completed\r\n"
             "* SEARCH 1\r\nc OK SEARCH completed\r\n"
             "* 2 EXPUNGE\r\nd OK NOOP completed\r\n"
             /* UID FETCH may tell, from the highest number down */
             "* 2 FETCH (UID 3 FLAGS (\\Seen \\Recent))\r\n* 4 FETCH (UID 5 FLAGS (\\Recent))\r\n"
             "* 3 EXPUNGE\r\n* 1 EXPUNGE\r\n"
             "e OK [EXPUNGEISSUED] FETCH completed\r\n");
}

static void much(unsigned wait)
{
    static const struct flag_change flag = {FLAGS_ADD, MAIL_FLAGGED, 0, UINT64_MAX};
    static const struct flag_change unflag = {FLAGS_REMOVE, MAIL_FLAGGED, 0, UINT64_MAX};
    if (wait != 0)
        return;
    for (int i = 0; i < FAKE_CHANGES_MAX; i++) /* more than the store remembers */
        assert_ok(mailbox_flags(inbox, 2, i % 2 ? &unflag : &flag));
    assert_ok(mailbox_flags(inbox, 2, &flag));
    fake_remove(inbox, 1);
    fake_remove(inbox, 3);
    deliver(1);
}

static void test_a_session_that_fell_behind_compares(void **state)
{
    (void)state;
    deliver(4);
    world.meanwhile = much;
    check_on(0, SLICE(LOGIN SELECT W "a NOOP\r\nb NOOP\r\n"),
             GREETING LOGGED_IN SELECTED(
                 4, 4, UNSEEN(1), 5) "* 3 EXPUNGE\r\n* 1 EXPUNGE\r\n* 3 EXISTS\r\n* 3 RECENT\r\n"
                                     "* 1 FETCH (UID 2 FLAGS (\\Flagged \\Recent))\r\n"
                                     "a OK NOOP completed\r\nb OK NOOP completed\r\n");
}

/* More changes than the store remembers are still one's own. */
static void test_a_silent_store_of_many_is_silent(void **state)
{
    (void)state;
    fake_changes_max = 2;
    deliver(4);
    check_on(0, SLICE(LOGIN SELECT "a STORE 1:* +FLAGS.SILENT (\\Seen)\r\nb NOOP\r\n"),
             GREETING LOGGED_IN SELECTED(4, 4, UNSEEN(1), 5) "a OK STORE completed\r\n"
                                                             "b OK NOOP completed\r\n");
}

static void idle_news(unsigned wait)
{
    if (wait == 1)
        deliver(2);
    if (wait == 2)
        fake_remove(inbox, 1);
}

static void test_idle_tells_at_once(void **state)
{
    (void)state;
    world.meanwhile = idle_news;
    check_on(0, SLICE(LOGIN SELECT "a IDLE\r\n" W W W "DONE\r\nb IDLE\r\n" W "bye\r\n"),
             GREETING LOGGED_IN SELECTED(0, 0, "",
                                         1) "+ idling\r\n"
                                            "* 1 EXISTS\r\n* 1 RECENT\r\na OK IDLE completed\r\n"
                                            "+ idling\r\nb BAD expected DONE\r\n");
}

static void go_down(unsigned wait)
{
    (void)wait;
    world.ending = true;
    stream_interrupt(world.stream);
}

static void test_says_goodbye_when_the_server_stops(void **state)
{
    (void)state;
    world.meanwhile = go_down;
    check_on(0, SLICE(LOGIN W "a NOOP\r\n"),
             GREETING LOGGED_IN "* BYE the server is going down\r\n");
    world.ending = false;
    check_on(0, SLICE(LOGIN "a IDLE\r\n" W "DONE\r\n"),
             GREETING LOGGED_IN "+ idling\r\n* BYE the server is going down\r\n"
                                "a OK IDLE completed\r\n");
}

static void deleted(unsigned wait)
{
    if (wait == 0)
        assert_ok(mailbox_delete(fake_account, SLICE("doomed")));
}

static void test_a_deleted_mailbox_ends_the_session(void **state)
{
    (void)state;
    fake_make(SLICE("doomed"));
    world.meanwhile = deleted;
    check_on(0, SLICE(LOGIN "s SELECT doomed\r\n" W "a NOOP\r\nb NOOP\r\n"),
             GREETING LOGGED_IN SELECTED(
                 0, 0, "", 1) "* BYE the selected mailbox was deleted\r\na OK NOOP completed\r\n");
}

static void test_pieces_of_a_message_with_bare_lf(void **state)
{
    (void)state;
    fake_deliver(inbox, SLICE("Subject: x\nTo: y\n\none\ntwo\n"), MAIL_SEEN);
    check_on(0,
             SLICE(LOGIN "s EXAMINE INBOX\r\na FETCH 1 (RFC822.SIZE BODY.PEEK[HEADER] "
                         "BODY[TEXT]<1.3> BODY[HEADER.FIELDS.NOT (to)] BODY[1] BODY[1.MIME] "
                         "BODY[1.TEXT] BODY[2])\r\nb FETCH 1 RFC822\r\n"),
             GREETING LOGGED_IN
             "* FLAGS (" ALL_FLAGS ")\r\n* OK [PERMANENTFLAGS ()] these are kept\r\n"
             "* 1 EXISTS\r\n* 1 RECENT\r\n* OK [UIDVALIDITY 7] UIDs are valid\r\n"
             "* OK [UIDNEXT 2] predicted next UID\r\ns OK [READ-ONLY] EXAMINE completed\r\n"
             "* 1 FETCH (RFC822.SIZE 31 BODY[HEADER] {21}\r\nSubject: x\r\nTo: y\r\n\r\n"
             " BODY[TEXT]<1> {3}\r\nne\r BODY[HEADER.FIELDS.NOT (to)] {14}\r\nSubject: x\r\n\r\n"
             " BODY[1] {10}\r\none\r\ntwo\r\n BODY[1.MIME] {21}\r\nSubject: x\r\nTo: y\r\n\r\n"
             " BODY[1.TEXT] NIL BODY[2] NIL)\r\n"
             "a OK FETCH completed\r\n"
             "* 1 FETCH (RFC822 {31}\r\nSubject: x\r\nTo: y\r\n\r\none\r\ntwo\r\n)\r\n"
             "b OK FETCH completed\r\n");
}

static void test_envelope_is_kept_once_parsed(void **state)
{
    (void)state;
    fake_deliver(inbox, SLICE("Subject: x\r\n\r\nbody\r\n"), MAIL_SEEN);
#define ENVELOPE "* 1 FETCH (ENVELOPE (NIL \"x\" NIL NIL NIL NIL NIL NIL NIL NIL))\r\n"
    check_on(0, SLICE(LOGIN SELECT "a FETCH 1 ENVELOPE\r\n"),
             GREETING LOGGED_IN SELECTED(1, 1, "", 2) ENVELOPE "a OK FETCH completed\r\n");
    inbox->mails[0].text[9] = 'y'; /* nobody looks there again */
    check_on(0, SLICE(LOGIN SELECT "a FETCH 1 ENVELOPE\r\n"),
             GREETING LOGGED_IN SELECTED(1, 0, "", 2) ENVELOPE "a OK FETCH completed\r\n");
    inbox->mails[0].cache[0]++; /* another version */
    check_on(0, SLICE(LOGIN SELECT "a FETCH 1 ENVELOPE\r\n"),
             GREETING LOGGED_IN SELECTED(
                 1, 0, "", 2) "* 1 FETCH (ENVELOPE (NIL \"y\" NIL NIL NIL NIL NIL NIL NIL NIL))\r\n"
                              "a OK FETCH completed\r\n");
}

/* A mail made to be too much, between two others. */
static void test_a_message_too_complex_is_opaque(void **state)
{
    (void)state;
    struct buffer bomb;
    struct stream stream;
    buffer_init(&bomb, 64 << 20);
    buffer_add(&bomb, SLICE("Content-Type: multipart/mixed; boundary=b\r\n\r\n"));
    for (int i = 0; i < 9900; i++) {
        buffer_add(&bomb, SLICE("--b\r\nContent-Type: a/b"));
        for (int j = 0; j < 63; j++)
            buffer_format(&bomb, ";p%d=v", j);
        buffer_add(&bomb, SLICE("\r\n\r\n"));
    }
    deliver(1);
    fake_deliver(inbox, buffer_slice(&bomb), 0);
    deliver(1);
    fake_session(&(struct fake_options){&settings, &login, true, 0},
                 SLICE(LOGIN SELECT "a FETCH 1:3 (BODY BODY.PEEK[1])\r\nb SEARCH BODY body\r\n"),
                 &stream);
    slice said = buffer_slice(&stream.output);
    assert_true(slice_find(said, SLICE("* 2 FETCH (BODY (\"application\" \"octet-stream\" NIL NIL "
                                       "NIL \"binary\" ")) > 0);
    assert_true(slice_find(said, SLICE("BODY[1] {0}\r\n)\r\n* 3 FETCH (BODY (\"text\"")) > 0);
    assert_true(slice_find(said, SLICE("a OK FETCH completed\r\n* SEARCH 1 3\r\n")) > 0);
    fake_session_close(&stream);
    buffer_close(&bomb);
}

/* Parts and parameters that need more than IMAP_SCRATCH_SIZE_MAX: no part of the mail can be named,
 * nothing in it is found, all of it can be had. */
static void test_a_message_too_large_to_parse_is_opaque(void **state)
{
    (void)state;
    struct buffer bomb;
    struct stream stream;
    buffer_init(&bomb, 64 << 20);
    buffer_add(&bomb, SLICE("Content-Type: multipart/mixed; boundary=b\r\n\r\n"));
    for (int i = 0; i < 9900; i++) {
        buffer_add(&bomb, SLICE("--b"));
        for (int field = 0; field < 2; field++) {
            buffer_add_string(&bomb,
                              field ? "\r\nContent-Disposition: x" : "\r\nContent-Type: a/b");
            for (int j = 0; j < MIME_PARAMETER_COUNT_MAX; j++)
                buffer_format(&bomb, ";p%d=v", j);
        }
        buffer_add(&bomb, SLICE("\r\n\r\nbody\r\n"));
    }
    assert_ok(buffer_check(&bomb));
    fake_deliver(inbox, buffer_slice(&bomb), 0);
    deliver(1);
    fake_session(&(struct fake_options){&settings, &login, true, 0},
                 SLICE(LOGIN SELECT "a FETCH 1 (BODY BODY.PEEK[1])\r\nb SEARCH BODY body\r\n"
                                    "c FETCH 1 BODY.PEEK[]<0.13>\r\n"),
                 &stream);
    slice said = buffer_slice(&stream.output);
    assert_true(slice_find(said, SLICE("* 1 FETCH (BODY (\"application\" ")) > 0);
    assert_true(slice_find(said, SLICE(" BODY[1] NIL)\r\na OK FETCH completed\r\n* SEARCH 2\r\n")) >
                0);
    assert_true(slice_find(said, SLICE("BODY[]<0> {13}\r\nContent-Type:)")) > 0);
    fake_session_close(&stream);
    buffer_close(&bomb);
}

/* CACHE_BLOB_SIZE_MAX (service/imap/command/fetch.c) holds envelope, body and structure: parameters
 * that need nearly all of it are told as they are, a few more make the mail opaque. */
static void test_a_description_too_long_is_opaque(void **state)
{
    (void)state;
    enum { CACHE_BLOB_SIZE_MAX = 8 << 20, VALUE_SIZE = 1 << 19 };
    struct buffer mail;
    buffer_init(&mail, 2 * CACHE_BLOB_SIZE_MAX);
    for (unsigned more = 0; more < 2; more++) {
        struct stream stream;
        unsigned parts = CACHE_BLOB_SIZE_MAX / (2 * VALUE_SIZE) - 1 + more; /* body and structure */
        buffer_reset(&mail);
        buffer_add(&mail, SLICE("Content-Type: multipart/x; boundary=b\r\n\r\n"));
        for (unsigned i = 0; i < parts; i++) {
            buffer_add(&mail, SLICE("--b\r\nContent-Type: a/b; p="));
            memset(buffer_reserve(&mail, VALUE_SIZE), 'v', VALUE_SIZE);
            buffer_commit(&mail, VALUE_SIZE);
            buffer_add(&mail, SLICE("\r\n\r\n"));
        }
        assert_ok(buffer_check(&mail));
        fake_deliver(inbox, buffer_slice(&mail), 0);
        fake_session(&(struct fake_options){&settings, &login, true, 0},
                     more ? SLICE(LOGIN SELECT "a FETCH 2 BODY\r\n")
                          : SLICE(LOGIN SELECT "a FETCH 1 BODY\r\n"),
                     &stream);
        slice said = buffer_slice(&stream.output);
        assert_int_equal(slice_find(said, SLICE("(BODY ((\"a\" \"b\" (\"p\" ")) > 0, !more);
        assert_int_equal(slice_find(said, SLICE("(BODY (\"application\" ")) > 0, more);
        assert_int_equal(said.size > parts * VALUE_SIZE, !more);
        assert_true(slice_find(said, SLICE("a OK FETCH completed\r\n")) > 0);
        fake_session_close(&stream);
    }
    buffer_close(&mail);
}

static void test_an_unreadable_message_does_not_hide_the_others(void **state)
{
    (void)state;
    deliver(3);
    inbox->mails[1].mail.base_name_size = 1; /* the fake's sign for a broken file */
    check_on(
        0, SLICE(LOGIN SELECT "a FETCH 1:3 BODY.PEEK[TEXT]\r\n"),
        GREETING LOGGED_IN SELECTED(3, 3, UNSEEN(1), 4) "* 1 FETCH (BODY[TEXT] {6}\r\nbody\r\n)\r\n"
                                                        "* 3 FETCH (BODY[TEXT] {6}\r\nbody\r\n)\r\n"
                                                        "a NO [UNAVAILABLE] try again later\r\n");
}

static void test_append_over_quota(void **state)
{
    (void)state;
    fake_account->bytes_max = 20;
    check_on(0,
             SLICE(LOGIN "a APPEND INBOX {21}\r\n" W "b APPEND INBOX {21+}\r\n012345678901234567890"
                         "\r\nc APPEND INBOX {20}\r\n" W "Subject: x\r\n\r\nabcd\r\n\r\n"
                         "d APPEND INBOX {3+}\r\na\0b\r\ne APPEND INBOX {0}\r\n" W
                         "f APPEND INBOX {3+}\r\nabc x\r\n"),
             GREETING LOGGED_IN "a NO [OVERQUOTA] over quota\r\nb NO [OVERQUOTA] over quota\r\n"
                                "+ go ahead\r\nc OK [APPENDUID 7 1] APPEND completed\r\n"
                                "d NO [OVERQUOTA] over quota\r\n"
                                "e BAD the message is empty\r\nf NO [OVERQUOTA] over quota\r\n");
    fake_account->bytes_max = 0;
    check_on(0, SLICE(LOGIN "d APPEND INBOX {3+}\r\na\0b\r\nf APPEND INBOX {3+}\r\nabc x\r\n"),
             GREETING LOGGED_IN "d BAD NUL in the message\r\n"
                                "f BAD unexpected text after the message\r\n");
    assert_int_equal(inbox->count, 1);
}

static void test_search_after_decoding(void **state)
{
    (void)state;
    fake_deliver(
        inbox,
        SLICE("Subject: =?utf-8?q?Stra=C3=9Fe?=\r\nDate: Tue, 1 Jul 2003 01:00:00 +0200\r\n"
              "Content-Type: text/plain; charset=iso-8859-1\r\n"
              "Content-Transfer-Encoding: quoted-printable\r\n\r\ncaf=E9\r\n"),
        MAIL_SEEN);
    fake_deliver(inbox, SLICE("Subject: other\r\n\r\nCaffeine\r\n"), 0);
    check_on(0,
             SLICE(LOGIN SELECT
                   "a SEARCH SUBJECT STRASSE\r\nb SEARCH BODY CAF\xc3\x89\r\n"
                   "c SEARCH TEXT caf NOT SUBJECT stra\r\nd SEARCH SENTON 1-Jul-2003\r\n"
                   "e SEARCH SENTBEFORE 1-Jul-2003\r\nf UID SEARCH NEW\r\n"
                   "g SEARCH OR SENTSINCE 2-Jul-2003 (BODY caffe 1:*)\r\n"
                   "h SEARCH OLD\r\ni SEARCH 7:9\r\n"),
             GREETING LOGGED_IN SELECTED(
                 2, 2, UNSEEN(2),
                 3) "* SEARCH 1\r\na OK SEARCH completed\r\n* SEARCH 1\r\nb OK SEARCH completed\r\n"
                    "* SEARCH 2\r\nc OK SEARCH completed\r\n* SEARCH 1\r\nd OK SEARCH completed\r\n"
                    "* SEARCH\r\ne OK SEARCH completed\r\n* SEARCH 2\r\nf OK SEARCH completed\r\n"
                    "* SEARCH 2\r\ng OK SEARCH completed\r\n* SEARCH\r\nh OK SEARCH completed\r\n"
                    "* SEARCH\r\ni OK SEARCH completed\r\n");
}

/* IMAP_RESPONSE_SIZE_MAX: an answer longer than that leaves in pieces. */
static void test_search_in_a_vast_mailbox(void **state)
{
    (void)state;
    struct stream stream;
    fake_crowd = IMAP_RESPONSE_SIZE_MAX / 8 + 200000; /* most numbers take eight bytes */
    fake_session(&(struct fake_options){&settings, &login, true, 0},
                 SLICE(LOGIN SELECT "a SEARCH ALL\r\nb NOOP\r\n"), &stream);
    assert_true(stream.output.size > IMAP_RESPONSE_SIZE_MAX);
    char end[128];
    snprintf(end, sizeof end, " %u\r\na OK SEARCH completed\r\nb OK NOOP completed\r\n",
             fake_crowd);
    assert_true(slice_ends(buffer_slice(&stream.output), slice_from_string(end)));
    fake_session_close(&stream);
}

static void test_response_size_max(void **state)
{
    (void)state;
    struct stream stream = {0};
    struct imap_session s = {.base.stream = &stream};
    buffer_init(&stream.output, 64 << 20);
    buffer_init(&s.base.out, IMAP_RESPONSE_SIZE_MAX);
    memset(buffer_reserve(&s.base.out, IMAP_RESPONSE_SIZE_MAX), 'x', IMAP_RESPONSE_SIZE_MAX);
    buffer_commit(&s.base.out, IMAP_RESPONSE_SIZE_MAX);
    assert_ok(user_send(&s.base));
    memset(buffer_reserve(&s.base.out, IMAP_RESPONSE_SIZE_MAX), 'x', IMAP_RESPONSE_SIZE_MAX);
    buffer_commit(&s.base.out, IMAP_RESPONSE_SIZE_MAX);
    buffer_add_byte(&s.base.out, 'x');
    assert_int_equal(user_send(&s.base).kind, ERROR_LIMIT);
    assert_int_equal(s.base.lost.kind,
                     ERROR_LIMIT); /* the session ends: a cut line would be misread */
    assert_int_equal(stream.output.size, IMAP_RESPONSE_SIZE_MAX);
    buffer_close(&s.base.out);
    buffer_close(&stream.output);
}

/* More messages than a command has memory to number: refused, and the session goes on. */
static void test_arena_size_max(void **state)
{
    (void)state;
    struct stream stream;
    fake_crowd = IMAP_ARENA_SIZE_MAX / sizeof(uint32_t) + 1;
    fake_session(&(struct fake_options){&settings, &login, true, 0},
                 SLICE(LOGIN SELECT "a SEARCH ALL\r\nb NOOP\r\n"), &stream);
    assert_true(slice_find(buffer_slice(&stream.output), SLICE("\r\na NO [LIMIT] ")) > 0);
    assert_true(slice_ends(buffer_slice(&stream.output), SLICE("\r\nb OK NOOP completed\r\n")));
    fake_session_close(&stream);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_moves_home_after_login),
        TEST(test_login_failures),
        TEST(test_moves_home_twice),
        TEST(test_starttls_forgets_what_came_ahead),
        TEST(test_expunges_wait_for_their_moment),
        TEST(test_a_session_that_fell_behind_compares),
        TEST(test_a_silent_store_of_many_is_silent),
        TEST(test_idle_tells_at_once),
        TEST(test_says_goodbye_when_the_server_stops),
        TEST(test_a_deleted_mailbox_ends_the_session),
        TEST(test_pieces_of_a_message_with_bare_lf),
        TEST(test_envelope_is_kept_once_parsed),
        TEST(test_a_message_too_complex_is_opaque),
        TEST(test_a_description_too_long_is_opaque),
        TEST(test_a_message_too_large_to_parse_is_opaque),
        TEST(test_an_unreadable_message_does_not_hide_the_others),
        TEST(test_append_over_quota),
        TEST(test_search_after_decoding),
        TEST(test_search_in_a_vast_mailbox),
        TEST(test_response_size_max),
        TEST(test_arena_size_max),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
