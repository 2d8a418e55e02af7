/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "format/mail/header.h"
#include "format/mail/submitted.h"

#include <stdlib.h>
#include <string.h>

static void test_reads(void **state)
{
    (void)state;
    struct mail_submitted mail;
    mail_submitted_read(SLICE("From: a@b\r\nSubject: x\r\n\r\nDate: in the text\r\n"), &mail);
    assert_int_equal(mail.from_count, 1);
    assert_true(slice_equal(mail.from, SLICE(" a@b")));
    assert_false(mail.date || mail.message_id || mail.secrets || mail.report || mail.tls_optional ||
                 mail.too_large);
    mail_submitted_read(SLICE("DATE: 1\r\nmessage-id: 2\r\nfrom: 1\r\nFrom: 2\r\nBcc : x\r\n"
                              "Content-Type: multipart/REPORT;\r\n report-type=x\r\n"
                              "TLS-Required: no\r\n\r\n"),
                        &mail);
    assert_int_equal(mail.from_count, 2);
    assert_true(slice_equal(mail.from, SLICE(" 1")));
    assert_true(mail.date && mail.message_id && mail.secrets && mail.report && mail.tls_optional);
    mail_submitted_read(SLICE("TLS-Required: maybe\r\nContent-Type: multipart/reporter\r\n"),
                        &mail);
    assert_false(mail.tls_optional || mail.report || mail.too_large);
    mail_submitted_read(SLICE(""), &mail);
    assert_false(mail.too_large);
}

static void check_clean(const char *before, const char *after)
{
    char *copy = strdup(before);
    size_t size = mail_submitted_clean(copy, strlen(copy));
    if (!slice_equal(slice_of(copy, size), slice_from_string(after)))
        fail_msg("expected %s\ngot %.*s", after, (int)size, copy);
    free(copy);
}

static void test_cleans(void **state)
{
    (void)state;
    check_clean("A: 1\r\n\r\nBcc: stays\r\n", "A: 1\r\n\r\nBcc: stays\r\n");
    check_clean("Bcc: 1\r\nA: 2\r\nBcc: 3\r\n 4\r\nB: 5\r\n\tx\r\nRETURN-PATH:\r\n\r\ntext",
                "A: 2\r\nB: 5\r\n\tx\r\n\r\ntext");
    check_clean("A: 1\r\nResent-Bcc: 2\r\nBccx: 3", "A: 1\r\nBccx: 3");
    check_clean("Bcc: 1\r\n\r\n", "\r\n");
    check_clean("Bcc: 1", "");
    check_clean("Bcc : 1\nB: 2\n\nx", "B: 2\n\nx");
    check_clean("", "");
}

/* Behind the limits nothing is looked at, so nothing may hide there. */
static void test_too_large(void **state)
{
    (void)state;
    struct mail_submitted mail;
    size_t size = MAIL_HEADER_SIZE_MAX + 100;
    char *text = malloc(size);
    memset(text, 'x', size);
    memcpy(text, "A: ", 3);
    memcpy(text + MAIL_HEADER_SIZE_MAX, "\r\nBcc: y\r\n\r\n", 13);
    mail_submitted_read(slice_of(text, size), &mail);
    assert_true(mail.too_large);
    memcpy(text + MAIL_HEADER_SIZE_MAX - 4, "\r\n\r\n", 4);
    mail_submitted_read(slice_of(text, size), &mail);
    assert_false(mail.too_large);
    for (int i = 0; i <= MAIL_HEADER_FIELD_COUNT_MAX; i++)
        memcpy(text + i * 6, "A: 1\r\n", 6);
    memcpy(text + (MAIL_HEADER_FIELD_COUNT_MAX + 1) * 6, "\r\n", 2);
    mail_submitted_read(slice_of(text, size), &mail);
    assert_true(mail.too_large);
    memcpy(text + MAIL_HEADER_FIELD_COUNT_MAX * 6, "\r\n", 2);
    mail_submitted_read(slice_of(text, size), &mail);
    assert_false(mail.too_large);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads),
        cmocka_unit_test(test_cleans),
        cmocka_unit_test(test_too_large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
