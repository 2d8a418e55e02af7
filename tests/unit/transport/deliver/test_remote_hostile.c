/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Servers that misbehave at every stage: the client ends soon, and nobody counts as delivered who
 * is not.
 */
#include "client.h"

#include "format/smtp/response.h"

#include <string.h>

#define MAIL_OK "< MAIL FROM:<a@a.example>\n> 250 ok\n"
#define RCPT_OK(name) "< RCPT TO:<" name "@b.example>\n> 250 ok\n"

/* ---- Servers that misbehave: the client ends soon, and nobody counts as delivered ---- */

static void make_impatient(void)
{
    int64_t short_time = 300 * TIME_MS * TEST_SLOWER;
    settings.greeting_timeout = settings.helo_timeout = settings.tls_timeout = short_time;
    settings.mail_timeout = settings.rcpt_timeout = settings.data_timeout = short_time;
    settings.final_timeout = settings.block_timeout = settings.quit_timeout = short_time;
}

static void assert_not_sent(enum error_kind kind)
{
    instant began = time_now();
    write_mail(1, SLICE("A: b\r\n\r\n"));
    error problem = open_it();
    if (failed(problem)) {
        assert_int_equal(problem.kind, ERROR_TEMPORARY);
        assert_int_equal(answer.problem.kind, kind);
        assert_int_equal(answer.enhanced[0], 4);
    } else {
        assert_error(remote_send(remote, &mail, &arena), kind);
        assert_int_equal(recipients[0].answer.enhanced[0], 4);
        assert_false(remote_is_alive(remote));
        remote_close(&remote);
    }
    assert_true(time_now() - began < 20 * TIME_S * TEST_SLOWER);
}

#define TO_MAIL HELLO("> 250 HELP\n") "< MAIL FROM:<a@a.example>\n"
#define TO_RCPT TO_MAIL "> 250 ok\n< RCPT TO:<one@b.example>\n"
#define TO_DATA TO_RCPT "> 250 ok\n< DATA\n"
#define TO_END TO_DATA "> 354 go\ndata\n"
#define TO_EHLO "> 220 mx\n< EHLO client.example\n"
#define AT_EVERY_STAGE(what)                                                                       \
    what, TO_EHLO what, TO_MAIL what, TO_RCPT what, TO_DATA what, TO_END what

CORE_TEST(test_closes)
{
    BEGIN(AT_EVERY_STAGE("close\n"));
    for (unsigned i = 0; i < 6; i++)
        assert_not_sent(ERROR_CLOSED);
    end();
}

CORE_TEST(test_silence)
{
    BEGIN(AT_EVERY_STAGE("silent\n"));
    make_impatient();
    for (unsigned i = 0; i < 6; i++)
        assert_not_sent(ERROR_TIMEOUT);
    end();
}

CORE_TEST(test_drips)
{
    BEGIN(AT_EVERY_STAGE("drip\n"));
    make_impatient();
    for (unsigned i = 0; i < 6; i++)
        assert_not_sent(ERROR_TIMEOUT);
    end();
}

/* A line without end: read away up to a bound, then the connection is dropped. */
CORE_TEST(test_floods)
{
    BEGIN(AT_EVERY_STAGE("flood\n"));
    for (unsigned i = 0; i < 6; i++)
        assert_not_sent(ERROR_CLOSED);
    end();
}

CORE_TEST(test_long_line)
{
    static char script[REMOTE_LINE_SIZE_MAX + 100] = "> 220 ";
    size_t start = strlen(script);
    memset(script + start, 'x', REMOTE_LINE_SIZE_MAX - 4 + 1);
    strcpy(script + start + REMOTE_LINE_SIZE_MAX - 4 + 1, "\nsilent\n");
    BEGIN(script);
    assert_not_sent(ERROR_LIMIT);
    end();
}

CORE_TEST(test_endless_replies)
{
    static char script[16 * (SMTP_RESPONSE_LINE_COUNT_MAX + 10)];
    strcpy(script, TO_EHLO);
    for (unsigned i = 0; i <= SMTP_RESPONSE_LINE_COUNT_MAX; i++)
        strcat(script, "> 250-X\n");
    strcat(script, "silent\n");
    BEGIN(script);
    assert_not_sent(ERROR_LIMIT);
    end();
}

CORE_TEST(test_garbage)
{
    BEGIN(AT_EVERY_STAGE("> SSH-2.0-OpenSSH\nsilent\n"));
    for (unsigned i = 0; i < 6; i++)
        assert_not_sent(ERROR_MALFORMED);
    end();
}

CORE_TEST(test_changing_codes)
{
    BEGIN(TO_RCPT "> 250-ok\n> 550 no\nsilent\n", TO_END "> 250-ok\n> 250-ok\n> 354 x\nsilent\n",
          TO_END "> 999 x\nsilent\n", TO_END "> 150 x\nsilent\n", TO_END "> 25\nsilent\n");
    for (unsigned i = 0; i < 5; i++)
        assert_not_sent(ERROR_MALFORMED);
    end();
}

/* Replies of the wrong kind, too many, or too early: from then on none can be trusted. */
CORE_TEST(test_out_of_step)
{
    BEGIN(TO_MAIL "> 354 go\nsilent\n", TO_RCPT "> 354 go\nsilent\n", TO_DATA "> 250 ok\nsilent\n",
          TO_END "> 354 go\nsilent\n", "> 220 mx\n> 250 mx\nsilent\n",
          TO_MAIL "> 250 ok\n> 250 ok\nsilent\n", TO_DATA "> 354 go\n> 250 took it\nsilent\n");
    for (unsigned i = 0; i < 7; i++)
        assert_not_sent(ERROR_MALFORMED);
    end();
}

/* A reply too many after the mail was taken: it is taken, and the connection is not used again. */
CORE_TEST(test_one_too_many)
{
    BEGIN(TO_END "> 250 took it\n> 250 and again\nsilent\n");
    assert_ok(open_it());
    write_mail(1, SLICE("A: b\r\n\r\n"));
    assert_error(remote_send(remote, &mail, &arena), ERROR_MALFORMED);
    assert_answer(&recipients[0].answer, 250, 2, 0, 0);
    assert_false(remote_is_alive(remote));
    end();
}

CORE_TEST(test_nuls)
{
    BEGIN(TO_RCPT "> 550 5.1.1 a\x01\x7f\t\xc3\xa4\n< QUIT\n> 221 x\nclose\n");
    assert_ok(open_it());
    write_mail(1, SLICE("A: b\r\n\r\n"));
    assert_ok(remote_send(remote, &mail, &arena));
    assert_slice(recipients[0].answer.text, "a?? \xc3\xa4");
    end();
}

CORE_TEST(test_closing_down)
{
    BEGIN(TO_MAIL "> 421 4.3.2 bye\nclose\n", TO_RCPT "> 421 bye\nclose\n",
          TO_DATA "> 421 bye\nclose\n", TO_END "> 421 bye\nclose\n");
    for (unsigned i = 0; i < 4; i++) {
        assert_ok(open_it());
        write_mail(2, SLICE("A: b\r\n\r\n"));
        if (i >= 2)
            mail.count = 1;
        assert_error(remote_send(remote, &mail, &arena), ERROR_CLOSED);
        for (unsigned k = 0; k < mail.count; k++)
            assert_answer(&recipients[k].answer, 421, 4, 3, 2);
        assert_false(remote_is_alive(remote));
        remote_close(&remote);
    }
    end();
}

/* In LMTP who was answered is delivered to, whatever happens to the next one's reply. */
CORE_TEST(test_lmtp_cut)
{
    BEGIN("> 220 lmtp\n< LHLO client.example\n> 250 lmtp\n" MAIL_OK RCPT_OK("one")
              RCPT_OK("two") "< DATA\n> 354 go\ndata\n> 250 one\nclose\n",
          "> 220 lmtp\n< LHLO client.example\n> 250-lmtp\n> 250 PIPELINING\n"
          "< MAIL FROM:<a@a.example>\n< RCPT TO:<one@b.example>\n< DATA\n> 250 ok\n> 550 no\n"
          "> 354 go\nsilent\n");
    struct route lmtp = route;
    lmtp.kind = ROUTE_LMTP;
    assert_ok(remote_open(&lmtp, &options, &arena, &remote, &answer));
    write_mail(2, SLICE("A: b\r\n\r\n"));
    assert_error(remote_send(remote, &mail, &arena), ERROR_CLOSED);
    assert_answer(&recipients[0].answer, 250, 2, 0, 0);
    assert_answer(&recipients[1].answer, 0, 4, 4, 2);
    remote_close(&remote);
    /* nobody is taken, and yet it wants the message: how many replies would that be? */
    assert_ok(remote_open(&lmtp, &options, &arena, &remote, &answer));
    write_mail(1, SLICE("A: b\r\n\r\n"));
    assert_error(remote_send(remote, &mail, &arena), ERROR_MALFORMED);
    assert_answer(&recipients[0].answer, 550, 5, 1, 0);
    end();
}

/* Large messages: by BDAT, by DATA with a dot in every line, and to a server that does not read. */
CORE_TEST(test_large)
{
    enum { SIZE = 3 << 20 };
    static char text[SIZE];
    memcpy(text, "A: b\r\n\r\n", 8);
    for (size_t i = 8; i < SIZE; i++)
        text[i] = ".a\r\n"[i % 4];
    BEGIN(
        HELLO("> 250-PIPELINING\n> 250 CHUNKING\n") "< MAIL FROM:<a@a.example>\n< RCPT "
                                                    "TO:<one@b.example>\n> 250 ok\n> 250 ok\nbdat\n"
                                                    "> 250 ok\n" GOODBYE,
        TO_END "> 250 ok\n" GOODBYE, TO_DATA "> 354 go\ndeaf\n");
    for (unsigned i = 0; i < 2; i++) {
        assert_ok(open_it());
        write_mail(1, slice_of(text, SIZE));
        assert_ok(remote_send(remote, &mail, &arena));
        assert_answer(&recipients[0].answer, 250, 2, 0, 0);
        assert_int_equal(peer.body.size, SIZE + mail.prefix.size);
        assert_memory_equal(peer.body.data + mail.prefix.size, text, SIZE);
        peer.body.size = 0;
        remote_close(&remote);
    }
    make_impatient();
    write_mail(1, slice_of(text, SIZE));
    assert_ok(open_it());
    assert_error(remote_send(remote, &mail, &arena), ERROR_TIMEOUT);
    assert_answer(&recipients[0].answer, 0, 4, 4, 2);
    end();
}

/* Whoever refuses in the middle of a message and goes is heard; whoever thanks is not believed. */
CORE_TEST(test_refuses_midway)
{
    enum { SIZE = 20 << 20 };
    char *text = malloc(SIZE);
    memset(text, 'a', SIZE);
    memcpy(text, "A: b\r\n\r\n", 8);
    BEGIN(
        TO_DATA "> 354 go\nsome\n> 552 5.3.4 too much\nclose\n",
        TO_DATA "> 354 go\nsome\n> 250 2.0.0 enough\nclose\n",
        HELLO("> 250-PIPELINING\n> 250 CHUNKING\n") "< MAIL FROM:<a@a.example>\n< RCPT "
                                                    "TO:<one@b.example>\nsome\n> 250 ok\n> 250 ok\n"
                                                    "> 554 5.7.1 no\nclose\n");
    static const int expected[3][4] = {{552, 5, 3, 4}, {0, 4, 0, 0}, {554, 5, 7, 1}};
    settings.eager_size = SIZE * 2;
    for (unsigned i = 0; i < 3; i++) {
        assert_ok(open_it());
        write_mail(1, slice_of(text, SIZE));
        assert_true(failed(remote_send(remote, &mail, &arena)));
        assert_int_equal(recipients[0].answer.code, expected[i][0]);
        assert_int_equal(recipients[0].answer.enhanced[0], expected[i][1]);
        assert_false(remote_is_alive(remote));
        remote_close(&remote);
    }
    free(text);
    end();
}

/* Was a kept connection dead, or is the server slow? Only the first may be tried elsewhere at once.
 */
CORE_TEST(test_heard)
{
    BEGIN(TO_MAIL "close\n", TO_MAIL "silent\n", TO_RCPT "close\n", TO_END "close\n",
          HELLO("> 250 HELP\n") "close\n");
    static const bool expected[] = {false, true, true, true, false};
    make_impatient();
    for (unsigned i = 0; i < 5; i++) {
        assert_ok(open_it());
        write_mail(1, SLICE("A: b\r\n\r\n"));
        assert_true(failed(remote_send(remote, &mail, &arena)));
        assert_int_equal(mail.heard, expected[i]);
        remote_close(&remote);
    }
    end();
}

CORE_TEST(test_goes_while_idle)
{
    BEGIN(HELLO("> 250 HELP\n") "close\n", HELLO("> 250 HELP\n") "> 421 idle\nsilent\n");
    assert_ok(open_it());
    while (remote_is_alive(remote))
        assert_ok(fiber_sleep(TIME_MS));
    remote_close(&remote);
    assert_ok(open_it());
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_closes),
        cmocka_unit_test(test_silence),
        cmocka_unit_test(test_drips),
        cmocka_unit_test(test_floods),
        cmocka_unit_test(test_long_line),
        cmocka_unit_test(test_endless_replies),
        cmocka_unit_test(test_garbage),
        cmocka_unit_test(test_changing_codes),
        cmocka_unit_test(test_out_of_step),
        cmocka_unit_test(test_one_too_many),
        cmocka_unit_test(test_nuls),
        cmocka_unit_test(test_closing_down),
        cmocka_unit_test(test_lmtp_cut),
        cmocka_unit_test(test_large),
        cmocka_unit_test(test_refuses_midway),
        cmocka_unit_test(test_heard),
        cmocka_unit_test(test_goes_while_idle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
