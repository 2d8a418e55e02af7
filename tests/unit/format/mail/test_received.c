/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "format/mail/received.h"

#include "format/mail/header.h"

static void test_received(void **state)
{
    (void)state;
    struct buffer out;
    buffer_init(&out, 10000);
    mail_received_write(&out, &(struct mail_received){.helo = SLICE("client.example"),
                                                      .client_name = SLICE("c.example"),
                                                      .client_address = SLICE("192.0.2.1"),
                                                      .tls = SLICE("TLSv1.3 with cipher X"),
                                                      .by = SLICE("mx.example.org"),
                                                      .with = SLICE("ESMTPS"),
                                                      .id = SLICE("abc"),
                                                      .recipient = SLICE("u@example.org"),
                                                      .time_seconds = 1057049557});
    assert_true(slice_equal(buffer_slice(&out),
                            SLICE("Received: from client.example (c.example [192.0.2.1])\r\n"
                                  "\t(using TLSv1.3 with cipher X)\r\n"
                                  "\tby mx.example.org (Ringmail) with ESMTPS id abc\r\n"
                                  "\tfor <u@example.org>; Tue, 01 Jul 2003 08:52:37 +0000\r\n")));
    buffer_close(&out);
}

/* A client chooses its helo: it must not break the header or its lines. */
static void test_hostile_words(void **state)
{
    (void)state;
    char helo[2000];
    memset(helo, 'h', sizeof helo);
    memcpy(helo, "a)\r\nX: (\0;", 10);
    struct buffer out;
    buffer_init(&out, 10000);
    mail_received_write(&out, &(struct mail_received){.helo = slice_of(helo, sizeof helo),
                                                      .client_address = SLICE("192.0.2.1"),
                                                      .by = SLICE("mx"),
                                                      .with = SLICE("SMTP"),
                                                      .id = SLICE("i")});
    assert_int_equal(mail_received_count(buffer_slice(&out)), 1);
    struct mail_header_iterator iterator;
    struct mail_header_field field;
    mail_header_begin(&iterator, buffer_slice(&out));
    assert_true(mail_header_next(&iterator, &field));
    assert_false(mail_header_next(&iterator, &field));
    slice rest = buffer_slice(&out), line;
    for (bool more = true; more;) {
        more = slice_cut(rest, '\n', &line, &rest);
        assert_true(line.size <= 998); /* RFC 5322 2.1.1 */
    }
    buffer_close(&out);
}

static void test_final_delivery(void **state)
{
    (void)state;
    struct buffer out;
    buffer_init(&out, 1000);
    mail_return_path_write(&out, SLICE(""));
    mail_return_path_write(&out, SLICE("a@b"));
    mail_delivered_to_write(&out, SLICE("u@example.org"));
    assert_true(slice_equal(buffer_slice(&out), SLICE("Return-Path: <>\r\nReturn-Path: <a@b>\r\n"
                                                      "Delivered-To: u@example.org\r\n")));
    buffer_close(&out);
}

static void test_loops(void **state)
{
    (void)state;
    slice text = SLICE("Received: 1\r\nreceived: 2\r\nDelivered-To: <A@b>\r\nDelivered-To: c@d \r\n"
                       "\r\nReceived: in the body\r\nDelivered-To: e@f\r\n");
    assert_int_equal(mail_received_count(text), 2);
    assert_true(mail_delivered_to_has(text, SLICE("a@B")));
    assert_true(mail_delivered_to_has(text, SLICE("c@d")));
    assert_false(mail_delivered_to_has(text, SLICE("e@f")));
    assert_false(mail_delivered_to_has(text, SLICE("b")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_received),
        cmocka_unit_test(test_hostile_words),
        cmocka_unit_test(test_final_delivery),
        cmocka_unit_test(test_loops),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
