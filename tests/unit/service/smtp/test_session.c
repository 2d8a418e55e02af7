/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "service/smtp/dialogue.h"
#include "service/smtp/limits.h"

#include <errno.h>
#include <stdio.h>

static struct smtp_settings settings;
static struct arena arena;

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, 1 << 20);
    assert_false(failed(settings_default(&smtp_setting_table, &arena, &settings)));
    world = (struct fake_world){0};
    buffer_init(&world.last, 16 << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    buffer_close(&world.last);
    arena_close(&arena);
    return 0;
}

static void check(slice input, bool tls, const char *expected)
{
    check_codes(&settings, input, tls, expected);
}
#define CHECK(input, expected) check(SLICE(input), false, expected)

#define E "EHLO c\r\n\xfe"
#define M "MAIL FROM:<a@b>\r\n"
#define R "RCPT TO:<user@example.org>\r\n"

static void test_takes_a_mail(void **state)
{
    (void)state;
    CHECK(E M R "DATA\r\n\xfeSubject: x\r\n\r\n..\r\n.\r\nQUIT\r\n", "220 250 250 250 354 250 221");
    assert_int_equal(world.deliveries, 1);
    slice mail = buffer_slice(&world.last);
    assert_true(slice_starts(mail, SLICE("Return-Path: <a@b>\r\nDelivered-To: user@example.org\r\n"
                                         "Received: from c ([192.0.2.1])\r\n")));
    assert_true(slice_ends(mail, SLICE("Subject: x\r\n\r\n.\r\n")));
    assert_true(slice_find(mail, SLICE("\tfor <user@example.org>; ")) > 0);
}

static void test_several_recipients_are_not_told(void **state)
{
    (void)state;
    CHECK(E M R "RCPT TO:<both@example.org>\r\nRCPT TO:<user2@example.org>\r\n"
                "DATA\r\n\xfe\r\n.\r\n",
          "220 250 250 250 250 250 354 250");
    assert_int_equal(world.recipients_last, 2);
    assert_true(slice_find(buffer_slice(&world.last), SLICE("Delivered-To")) < 0);
    assert_true(slice_find(buffer_slice(&world.last), SLICE("\tfor ")) < 0);
}

static void test_recipients(void **state)
{
    (void)state;
    CHECK(E M "RCPT TO:<x@elsewhere>\r\n", "220 250 250 550");
    CHECK(E R M "DATA\r\n", "220 250 503 250 503");
    CHECK(E M "RCPT TO:<x@elsewhere>\r\nDATA\r\n", "220 250 250 550 554");
    CHECK(E M "RCPT TO:<nobody@example.org>\r\n", "220 250 250 550");
    CHECK(E M "RCPT TO:<loop@example.org>\r\n", "220 250 250 550");
    CHECK(E M "RCPT TO:<trouble@example.org>\r\n", "220 250 250 451");
    CHECK(E M "RCPT TO:<away@example.org>\r\n", "220 250 250 250");
    CHECK(E M "RCPT TO:<Postmaster>\r\n", "220 250 250 250");
    CHECK(E "MAIL FROM:<> SIZE=400\r\nRCPT TO:<small@example.org>\r\n", "220 250 250 250");
    CHECK(E "MAIL FROM:<> SIZE=600\r\nRCPT TO:<small@example.org>\r\n", "220 250 250 452");
    CHECK(E "MAIL FROM:<> SIZE=1001\r\nRCPT TO:<small@example.org>\r\n", "220 250 250 552");
}

static void test_store_trouble_is_never_final(void **state)
{
    (void)state;
    static const error troubles[] = {
        {ERROR_TEMPORARY, 0, "x"}, {ERROR_SYSTEM, EBADF, "x"}, {ERROR_BUG, 0, "x"},
        {ERROR_TIMEOUT, 0, "x"},   {ERROR_PERMANENT, 0, "x"},  {ERROR_CANCELLED, 0, "x"},
    };
    for (size_t i = 0; i < sizeof troubles / sizeof troubles[0]; i++) {
        world.store_result = troubles[i];
        CHECK(E M R "DATA\r\n\xfe\r\n.\r\n", "220 250 250 250 354 451");
    }
    world.store_result = (error){ERROR_TEMPORARY, ENOSPC, "x"};
    CHECK(E M R "DATA\r\n\xfe\r\n.\r\n", "220 250 250 250 354 452");
    world.store_result = error_make(ERROR_LIMIT, "x"); /* of ours, not of a mailbox */
    CHECK(E M R "DATA\r\n\xfe\r\n.\r\n", "220 250 250 250 354 451");
    world.store_result = OK;
    world.recipient_result = error_make(ERROR_LIMIT, "over quota");
    CHECK(E M R "DATA\r\n\xfe\r\n.\r\n", "220 250 250 250 354 452");
    assert_int_equal(world.deliveries, 0);
}

static void test_a_verdict_is_the_reply(void **state)
{
    (void)state;
    struct spam_verdict verdict = {.action = SPAM_REFUSE, .judged = true};
    world.verdict = &verdict;
    CHECK(E M R "DATA\r\n\xfe\r\n.\r\n" M, "220 250 250 250 354 550 250");
    verdict.action = SPAM_DELAY;
    CHECK(E M R "DATA\r\n\xfe\r\n.\r\n", "220 250 250 250 354 451");
    verdict.action =
        SPAM_JUNK; /* for somebody elsewhere: who passes it on is taken for its source */
    CHECK(E M "RCPT TO:<away@example.org>\r\nDATA\r\n\xfe\r\n.\r\n", "220 250 250 250 354 550");
    assert_int_equal(world.deliveries + world.queued, 0);

    verdict = (struct spam_verdict){.judged = true, .fields = SLICE("X-Spam-Status: No\r\n")};
    CHECK(E M R "DATA\r\n\xfeX-Spam-Flag: YES\r\n\r\n.\r\n", "220 250 250 250 354 250");
    assert_int_equal(world.judged, 4);
    assert_int_equal(world.deliveries, 1);
    slice stored = buffer_slice(&world.last);
    assert_true(slice_find(stored, SLICE("X-Spam-Status: No\r\n")) >= 0);
    assert_true(slice_find(stored, SLICE("X-Spam-Flag: YES")) < 0); /* not ours */
    assert_true(slice_find(stored, SLICE("X-Said-Flag: YES")) > 0);
}

static void test_speaking_ahead(void **state)
{
    (void)state;
    CHECK("EHLO c\r\n" M, "220 503");
    CHECK("HELO c\r\n\xfe" M R, "220 250 503");
    CHECK("HELO c\r\n\xfe" M "\xfe" R "\xfe"
          "DATA\r\n\xfe\r\n.\r\n\xfeQUIT\r\n",
          "220 250 250 250 354 250 221");
    CHECK(E M R "DATA\r\nSubject: x\r\n.\r\nQUIT\r\n", "220 250 250 250 503");
    assert_int_equal(world.deliveries, 1);
}

static void test_starttls(void **state)
{
    (void)state;
    CHECK(E "STARTTLS\r\n", "220 250 502");
    check(SLICE(E "STARTTLS\r\n\xfe" M), true, "220 250 220 503");
    check(SLICE(E "STARTTLS\r\nEHLO evil\r\n" M "\xfe" M), true, "220 250 220 503");
    check(SLICE(E "STARTTLS\r\n\xfe" E "STARTTLS\r\n"), true, "220 250 220 250 503");
    check(SLICE(E "STARTTLS\r\n\xfe" E M R "DATA\r\n\xfe\r\n.\r\n"), true,
          "220 250 220 250 250 250 354 250");
    assert_true(slice_find(buffer_slice(&world.last), SLICE("(using TLSv1.3 with cipher X")) > 0);
    settings.tls_required = true;
    check(SLICE(E M "BDAT 3\r\nabc"
                    "STARTTLS\r\n\xfe" E M),
          true, "220 250 530 503 220 250 250");
}

static void test_smuggling_ends_the_session(void **state)
{
    (void)state;
    CHECK(E M R "DATA\r\n\xfe\r\nx\n.\r\n" M "\r\n.\r\n" M R, "220 250 250 250 354 550");
    CHECK("EHLO c\n" M, "220 500");
    CHECK("EH\rLO c\r\n" M, "220 500");
    assert_int_equal(world.deliveries, 0);
}

static void test_bdat(void **state)
{
    (void)state;
    CHECK(E M R "BDAT 4\r\na\n.\rBDAT 0 LAST\r\nNOOP\r\n", "220 250 250 250 250 250 250");
    assert_true(slice_ends(buffer_slice(&world.last), SLICE("\r\na\n.\r")));
    CHECK(E M R "BDAT 2\r\nabDATA\r\n\xfeNOOP\r\nRSET\r\nNOOP\r\n",
          "220 250 250 250 250 503 503 250 250");
    CHECK(E "BDAT 4\r\nQUITNOOP\r\n", "220 250 503 250");
    CHECK("BDAT 4\r\n\xfeQUITNOOP\r\n", "220 503 250");
    settings.size_max = 10;
    CHECK(E M R "BDAT 8\r\n12345678BDAT 3\r\nabcBDAT 1\r\nxBDAT 1 LAST\r\nxNOOP\r\n",
          "220 250 250 250 250 552 554 554 250");
    CHECK(E M R "BDAT 10 LAST\r\n1234567890", "220 250 250 250 250");
    assert_int_equal(world.deliveries, 2);
}

/* SMTP_BDAT_SKIP_MAX: a refused chunk as large is read away, a larger one ends the session. */
static void test_refused_chunks_have_a_limit(void **state)
{
    (void)state;
    struct buffer input;
    buffer_init(&input, SMTP_BDAT_SKIP_MAX + 1000);
    buffer_add(&input, SLICE(E));
    buffer_format(&input, "BDAT %d\r\n", SMTP_BDAT_SKIP_MAX);
    memset(buffer_reserve(&input, SMTP_BDAT_SKIP_MAX), 'x', SMTP_BDAT_SKIP_MAX);
    buffer_commit(&input, SMTP_BDAT_SKIP_MAX);
    buffer_add(&input, SLICE("NOOP\r\n"));
    assert_ok(buffer_check(&input));
    check(buffer_slice(&input), false, "220 250 503 250");
    buffer_reset(&input);
    buffer_add(&input, SLICE(E));
    buffer_format(&input, "BDAT %d\r\nNOOP\r\n", SMTP_BDAT_SKIP_MAX + 1);
    check(buffer_slice(&input), false, "220 250 503"); /* not even read */
    buffer_close(&input);
}

/* smtp.delivery_timeout: for so long the mailboxes are waited for; then the client comes again. */
static void test_delivery_has_a_limit(void **state)
{
    (void)state;
    settings.delivery_timeout = 7 * TIME_S;
    world.store_takes = 7 * TIME_S - TIME_S / 2;
    CHECK(E M R "DATA\r\n\xfeSubject: x\r\n\r\n.\r\n", "220 250 250 250 354 250");
    world.store_takes = 7 * TIME_S + 1;
    CHECK(E M R "DATA\r\n\xfeSubject: x\r\n\r\n.\r\n", "220 250 250 250 354 451");
    assert_int_equal(world.deliveries, 1);
}

static void test_limits(void **state)
{
    (void)state;
    settings.errors_max = 2;
    CHECK("X\r\n\xfeX\r\n\xfeX\r\n\xfeX\r\n", "220 500 500 500 421");
    settings.errors_max = 100;
    settings.unknown_recipients_max = 1;
    CHECK(E M "RCPT TO:<n@example.org>\r\nRCPT TO:<n@example.org>\r\nNOOP\r\n",
          "220 250 250 550 550 421");
    settings.commands_max = 2;
    CHECK(E "NOOP\r\nNOOP\r\nNOOP\r\n", "220 250 250 421");
    settings.commands_max = 100;
    settings.transactions_max = 1;
    CHECK(E M "RSET\r\n" M, "220 250 250 250 421");
    settings.transactions_max = 100;
    settings.recipients_max = 1;
    CHECK(E M R R "RSET\r\n", "220 250 250 250 452 250");
    settings.size_max = 10;
    CHECK(E "MAIL FROM:<> SIZE=11\r\n" M R "DATA\r\n\xfe"
            "12345678\r\n.\r\n",
          "220 250 552 250 250 354 250");
    CHECK(E M R "DATA\r\n\xfe"
                "123456789\r\n.\r\nNOOP\r\n",
          "220 250 250 250 354 552 250");
    settings.size_max = 10000;
    settings.hops_max = 1;
    CHECK(E M R "DATA\r\n\xfeReceived: 1\r\n\r\n.\r\n", "220 250 250 250 354 250");
    CHECK(E M R "DATA\r\n\xfeReceived: 1\r\nReceived: 2\r\n\r\n.\r\n", "220 250 250 250 354 554");
    CHECK(E M R "DATA\r\n\xfe"
                "Delivered-To: user@example.org\r\n\r\n.\r\n",
          "220 250 250 250 354 554");
    static char line[SMTP_LINE_SIZE_MAX + 20] = "NOOP ";
    memset(line + 5, 'x', SMTP_LINE_SIZE_MAX - 5);
    memcpy(line + SMTP_LINE_SIZE_MAX, "\r\n", 2);
    check(slice_of(line, SMTP_LINE_SIZE_MAX + 2), false, "220 250");
    memcpy(line + SMTP_LINE_SIZE_MAX, "x\r\n", 3);
    check(slice_of(line, SMTP_LINE_SIZE_MAX + 3), false, "220 500");
}

/* Many recipients that lead to many mailboxes: the transaction's own bounds. */
static void test_memory_of_a_transaction(void **state)
{
    (void)state;
    settings.recipients_max = 100000;
    struct buffer input;
    buffer_init(&input, 64 << 20);
    buffer_add_string(&input, E M);
    for (int i = 0; i < 40000; i++)
        buffer_add_string(&input, R);
    buffer_add_string(&input, "RSET\r\n");
    struct stream stream;
    fake_session(&settings, false, buffer_slice(&input), &stream);
    slice said = buffer_slice(&stream.output);
    assert_true(slice_find(said, SLICE("452 4.3.1")) > 0 ||
                slice_find(said, SLICE("452 4.5.3")) > 0);
    assert_true(slice_ends(said, SLICE("250 2.0.0 Forgotten\r\n")));
    buffer_close(&stream.output);
    buffer_close(&input);
}

int main(void)
{
    log_configure(2, LOG_ERROR, LOG_LOGFMT);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_refused_chunks_have_a_limit, setup, teardown),
        cmocka_unit_test_setup_teardown(test_delivery_has_a_limit, setup, teardown),
        cmocka_unit_test_setup_teardown(test_takes_a_mail, setup, teardown),
        cmocka_unit_test_setup_teardown(test_several_recipients_are_not_told, setup, teardown),
        cmocka_unit_test_setup_teardown(test_recipients, setup, teardown),
        cmocka_unit_test_setup_teardown(test_store_trouble_is_never_final, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_verdict_is_the_reply, setup, teardown),
        cmocka_unit_test_setup_teardown(test_speaking_ahead, setup, teardown),
        cmocka_unit_test_setup_teardown(test_starttls, setup, teardown),
        cmocka_unit_test_setup_teardown(test_smuggling_ends_the_session, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bdat, setup, teardown),
        cmocka_unit_test_setup_teardown(test_limits, setup, teardown),
        cmocka_unit_test_setup_teardown(test_memory_of_a_transaction, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
