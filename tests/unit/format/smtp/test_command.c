/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "format/smtp/command.h"

#include <stdio.h>

static struct arena arena;
static const struct smtp_command_options all = {.parameters = ~0u, .utf8 = true};
static const struct smtp_command_options none = {0};

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, 1 << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_close(&arena);
    return 0;
}

static void expect(const char *line, const struct smtp_command_options *options,
                   enum smtp_reply expected, struct smtp_command *out)
{
    enum smtp_reply reply = smtp_command_parse(&arena, slice_from_string(line), options, out);
    if (reply != expected)
        fail_msg("%s: got %s", line, reply ? smtp_reply_row(reply)->text : "accepted");
}

#define ASSERT_TEXT(s, text) assert_true(slice_equal((s), slice_from_string(text)))

static void test_verbs(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        enum smtp_verb verb;
        enum smtp_reply reply;
    } cases[] = {
        {"ehlo client.example", SMTP_VERB_EHLO, SMTP_REPLY_NONE},
        {"HELO [192.0.2.1]", SMTP_VERB_HELO, SMTP_REPLY_NONE},
        {"LHLO x", SMTP_VERB_LHLO, SMTP_REPLY_NONE},
        {"EHLO", SMTP_VERB_EHLO, SMTP_REPLY_HELO_SYNTAX},
        {"EHLO a b", SMTP_VERB_EHLO, SMTP_REPLY_HELO_SYNTAX},
        {"EHLO \xc3\xbc", SMTP_VERB_EHLO, SMTP_REPLY_HELO_SYNTAX},
        {"DATA", SMTP_VERB_DATA, SMTP_REPLY_NONE},
        {"DATA ", SMTP_VERB_DATA, SMTP_REPLY_NONE},
        {"DATA x", SMTP_VERB_DATA, SMTP_REPLY_NO_ARGUMENT},
        {"QUIT now", SMTP_VERB_QUIT, SMTP_REPLY_NO_ARGUMENT},
        {"RSET", SMTP_VERB_RSET, SMTP_REPLY_NONE},
        {"STARTTLS x", SMTP_VERB_STARTTLS, SMTP_REPLY_NO_ARGUMENT},
        {"NOOP anything at all", SMTP_VERB_NOOP, SMTP_REPLY_NONE},
        {"HELP", SMTP_VERB_HELP, SMTP_REPLY_NONE},
        {"VRFY", SMTP_VERB_VRFY, SMTP_REPLY_BAD_ARGUMENT},
        {"EXPN list", SMTP_VERB_EXPN, SMTP_REPLY_NONE},
        {"GET / HTTP/1.1", SMTP_VERB_UNKNOWN, SMTP_REPLY_UNKNOWN_COMMAND},
        {"", SMTP_VERB_UNKNOWN, SMTP_REPLY_UNKNOWN_COMMAND},
        {"MAILX", SMTP_VERB_UNKNOWN, SMTP_REPLY_UNKNOWN_COMMAND},
        {"NOOP \x01", SMTP_VERB_NOOP, SMTP_REPLY_BAD_LINE},
        {"NOOP a\rb", SMTP_VERB_NOOP, SMTP_REPLY_BAD_LINE},
        {"NOOP a\nb", SMTP_VERB_NOOP, SMTP_REPLY_BAD_LINE},
        {"NOOP \xff", SMTP_VERB_NOOP, SMTP_REPLY_BAD_LINE},
        {"AUTH PLAIN", SMTP_VERB_AUTH, SMTP_REPLY_NONE},
        {"AUTH", SMTP_VERB_AUTH, SMTP_REPLY_BAD_ARGUMENT},
        {"AUTH PL!N", SMTP_VERB_AUTH, SMTP_REPLY_BAD_ARGUMENT},
        {"AUTH PLAIN a b", SMTP_VERB_AUTH, SMTP_REPLY_BAD_ARGUMENT},
        {"AUTH AAAAAAAAAAAAAAAAAAAAA", SMTP_VERB_AUTH, SMTP_REPLY_BAD_ARGUMENT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct smtp_command command;
        expect(cases[i].line, &all, cases[i].reply, &command);
        assert_int_equal(command.verb, cases[i].verb);
        assert_int_equal(smtp_command_verb(slice_from_string(cases[i].line)), cases[i].verb);
    }
}

static void test_senders(void **state)
{
    (void)state;
    static const struct {
        const char *line, *address, *domain;
        enum smtp_reply reply;
    } cases[] = {
        {"MAIL FROM:<a@Example.ORG>", "a@example.org", "Example.ORG", SMTP_REPLY_NONE},
        {"mail from: <a@b> ", "a@b", "b", SMTP_REPLY_NONE},
        {"MAIL FROM:<>", "", "", SMTP_REPLY_NONE},
        {"MAIL FROM:<@x.example,@y.example:a@b>", "a@b", "b", SMTP_REPLY_NONE},
        {"MAIL FROM:<\"a b\"@c>", "\"a b\"@c", "c", SMTP_REPLY_NONE},
        {"MAIL FROM:<\"a\\\"b\\\\\"@c>", "\"a\\\"b\\\\\"@c", "c", SMTP_REPLY_NONE},
        {"MAIL FROM:<\"plain\"@c>", "plain@c", "c", SMTP_REPLY_NONE},
        {"MAIL FROM:<\"a>b\"@c>", "\"a>b\"@c", "c", SMTP_REPLY_NONE},
        {"MAIL FROM:<a@[192.0.2.1]>", "a@[192.0.2.1]", "[192.0.2.1]", SMTP_REPLY_NONE},
        {"MAIL FROM:<a@[IPv6:2001:db8::1]>", "a@[IPv6:2001:db8::1]", "[IPv6:2001:db8::1]",
         SMTP_REPLY_NONE},
        {"MAIL FROM:<a+b=c#d@e>", "a+b=c#d@e", "e", SMTP_REPLY_NONE},
        {"MAIL FROM:<j\xc3\xbc@b\xc3\xbc"
         "cher.example> SMTPUTF8",
         "j\xc3\xbc@xn--bcher-kva.example",
         "b\xc3\xbc"
         "cher.example",
         SMTP_REPLY_NONE},
        {"MAIL FROM:<j\xc3\xbc@x>", NULL, NULL, SMTP_REPLY_UTF8_NEEDED},
        {"MAIL FROM:a@b", NULL, NULL, SMTP_REPLY_MAIL_SYNTAX},
        {"MAIL TO:<a@b>", NULL, NULL, SMTP_REPLY_MAIL_SYNTAX},
        {"MAIL", NULL, NULL, SMTP_REPLY_MAIL_SYNTAX},
        {"MAIL FROM:<a>", NULL, NULL, SMTP_REPLY_BAD_SENDER_ADDRESS},
        {"MAIL FROM:<postmaster>", NULL, NULL, SMTP_REPLY_BAD_SENDER_ADDRESS},
        {"MAIL FROM:<a@>", NULL, NULL, SMTP_REPLY_BAD_SENDER_ADDRESS},
        {"MAIL FROM:<@b>", NULL, NULL, SMTP_REPLY_BAD_SENDER_ADDRESS},
        {"MAIL FROM:<a@b", NULL, NULL, SMTP_REPLY_BAD_SENDER_ADDRESS},
        {"MAIL FROM:<a@b@c>", NULL, NULL, SMTP_REPLY_BAD_SENDER_ADDRESS},
        {"MAIL FROM:<a b@c>", NULL, NULL, SMTP_REPLY_BAD_SENDER_ADDRESS},
        {"MAIL FROM:<a@b..c>", NULL, NULL, SMTP_REPLY_BAD_SENDER_ADDRESS},
        {"MAIL FROM:<a@-b>", NULL, NULL, SMTP_REPLY_BAD_SENDER_ADDRESS},
        {"MAIL FROM:<a@[300.0.0.1]>", NULL, NULL, SMTP_REPLY_BAD_SENDER_ADDRESS},
        {"MAIL FROM:<a@[x:y]>", NULL, NULL, SMTP_REPLY_BAD_SENDER_ADDRESS},
        {"MAIL FROM:<a@[]>", NULL, NULL, SMTP_REPLY_BAD_SENDER_ADDRESS},
        {"MAIL FROM:<a@[1.2.3.4>", NULL, NULL, SMTP_REPLY_BAD_SENDER_ADDRESS},
        {"MAIL FROM:<\"open@b>", NULL, NULL, SMTP_REPLY_BAD_SENDER_ADDRESS},
        {"MAIL FROM:<a@b>SIZE=1", NULL, NULL, SMTP_REPLY_BAD_PARAMETER},
        {"MAIL FROM:<<a@b>>", NULL, NULL, SMTP_REPLY_BAD_SENDER_ADDRESS},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct smtp_command command;
        expect(cases[i].line, &all, cases[i].reply, &command);
        if (cases[i].reply == SMTP_REPLY_NONE) {
            ASSERT_TEXT(command.mail.sender.address, cases[i].address);
            ASSERT_TEXT(command.mail.sender.domain, cases[i].domain);
        }
    }
}

static void test_recipients(void **state)
{
    (void)state;
    struct smtp_command command;
    expect("RCPT TO:<Postmaster>", &all, SMTP_REPLY_NONE, &command);
    ASSERT_TEXT(command.rcpt.recipient.local, "Postmaster");
    assert_int_equal(command.rcpt.recipient.domain.size, 0);
    expect("RCPT TO:<>", &all, SMTP_REPLY_BAD_RECIPIENT_ADDRESS, &command);
    expect("RCPT TO:<user>", &all, SMTP_REPLY_BAD_RECIPIENT_ADDRESS, &command);
    expect("RCPT FROM:<a@b>", &all, SMTP_REPLY_RCPT_SYNTAX, &command);
    expect("RCPT TO:<j\xc3\xbc@x>", &none, SMTP_REPLY_UTF8_NEEDED, &command);
    expect("RCPT TO:<j\xc3\xbc@x>", &all, SMTP_REPLY_NONE, &command);
    expect("RCPT TO:<a@b> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;x+2By@z", &all, SMTP_REPLY_NONE,
           &command);
    assert_int_equal(command.rcpt.notify, SMTP_NOTIFY_SUCCESS | SMTP_NOTIFY_DELAY);
    ASSERT_TEXT(command.rcpt.orcpt_type, "rfc822");
    ASSERT_TEXT(command.rcpt.orcpt_address, "x+y@z");
    expect("RCPT TO:<a@b> NOTIFY=NEVER", &all, SMTP_REPLY_NONE, &command);
    assert_int_equal(command.rcpt.notify, SMTP_NOTIFY_NEVER);
    static const char *const bad[] = {"RCPT TO:<a@b> NOTIFY=NEVER,SUCCESS",
                                      "RCPT TO:<a@b> NOTIFY=",
                                      "RCPT TO:<a@b> NOTIFY",
                                      "RCPT TO:<a@b> NOTIFY=x",
                                      "RCPT TO:<a@b> ORCPT=rfc822",
                                      "RCPT TO:<a@b> ORCPT=rfc822;",
                                      "RCPT TO:<a@b> ORCPT=;a@b",
                                      "RCPT TO:<a@b> ORCPT=rfc822;a+0Ab",
                                      "RCPT TO:<a@b> ORCPT=rfc822;a+4",
                                      "RCPT TO:<a@b> NOTIFY=DELAY NOTIFY=DELAY"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        expect(bad[i], &all, SMTP_REPLY_BAD_PARAMETER, &command);
    expect("RCPT TO:<a@b> NOTIFY=NEVER", &none, SMTP_REPLY_UNKNOWN_PARAMETER, &command);
    expect("RCPT TO:<a@b> SIZE=1", &all, SMTP_REPLY_UNKNOWN_PARAMETER, &command);
}

static void test_parameters_of_mail(void **state)
{
    (void)state;
    struct smtp_command command;
    expect("MAIL FROM:<a@b> SIZE=1000 BODY=8bitmime SMTPUTF8 RET=HDRS ENVID=x+2Bz AUTH=<>"
           " REQUIRETLS HOLDFOR=60 BY=120;RT MT-PRIORITY=-4",
           &all, SMTP_REPLY_NONE, &command);
    struct smtp_mail *mail = &command.mail;
    assert_int_equal(mail->size, 1000);
    assert_int_equal(mail->body, SMTP_BODY_8BITMIME);
    assert_true(mail->utf8 && mail->require_tls && mail->deliver_by && mail->deliver_by_trace);
    assert_int_equal(mail->ret, SMTP_RETURN_HEADERS);
    ASSERT_TEXT(mail->envid, "x+z");
    assert_non_null(mail->auth.data);
    assert_int_equal(mail->auth.size, 0);
    assert_int_equal(mail->hold_seconds, 60);
    assert_int_equal(mail->deliver_by_seconds, 120);
    assert_int_equal(mail->deliver_by_mode, 'R');
    assert_int_equal(mail->priority, -4);
    expect("MAIL FROM:<a@b> SIZE=99999999999999999999", &all, SMTP_REPLY_NONE, &command);
    assert_true(command.mail.size == UINT64_MAX);
    expect("MAIL FROM:<a@b> BODY=BINARYMIME HOLDUNTIL=2026-01-31T23:59:59Z BY=-1;N AUTH=e+3Dmc2@x",
           &all, SMTP_REPLY_NONE, &command);
    assert_int_equal(command.mail.body, SMTP_BODY_BINARYMIME);
    assert_int_equal(command.mail.deliver_by_seconds, -1);
    ASSERT_TEXT(command.mail.auth, "e=mc2@x");
    assert_int_equal(command.mail.hold_until, 1769903999);
    expect("MAIL FROM:<a@b> HOLDUNTIL=2026-02-01t01:29:59.25+01:30", &all, SMTP_REPLY_NONE,
           &command);
    assert_int_equal(command.mail.hold_until, 1769903999);
    expect("MAIL FROM:<a@b> HOLDUNTIL=1969-01-01T00:00:00-23:59", &all, SMTP_REPLY_NONE, &command);
    assert_int_equal(command.mail.hold_until, 1); /* said, and long ago */
    expect("MAIL FROM:<a@b>", &all, SMTP_REPLY_NONE, &command);
    assert_null(command.mail.auth.data);
    static const char *const bad[] = {"SIZE=",
                                      "SIZE",
                                      "SIZE=-1",
                                      "SIZE=1x",
                                      "SIZE=999999999999999999999",
                                      "SIZE=1 SIZE=1",
                                      "BODY=9BIT",
                                      "BODY",
                                      "SMTPUTF8=1",
                                      "RET=NO",
                                      "ENVID=",
                                      "ENVID=a+0",
                                      "ENVID=+0D",
                                      "AUTH=",
                                      "REQUIRETLS=1",
                                      "HOLDFOR=0",
                                      "HOLDFOR=1234567890",
                                      "HOLDUNTIL=2026",
                                      "HOLDUNTIL=2026-13-31T23:59:59Z",
                                      "HOLDUNTIL=2026-01-31T23:59:59",
                                      "HOLDUNTIL=2026-01-31T23:59:59.Z",
                                      "HOLDUNTIL=2026-01-31T23:59:59+24:00",
                                      "HOLDUNTIL=2026-01-31T23:59:59Zx",
                                      "HOLDUNTIL=2026-01-31 23:59:59Z",
                                      "MT-PRIORITY=05",
                                      "MT-PRIORITY=-0",
                                      "MT-PRIORITY=+1",
                                      "BY=1",
                                      "BY=1;X",
                                      "BY=0;R",
                                      "BY=-1;R",
                                      "BY=1;NTT",
                                      "MT-PRIORITY=10",
                                      "MT-PRIORITY=",
                                      "=x",
                                      "-X=1",
                                      "SIZE==1",
                                      "HOLDFOR=1 HOLDUNTIL=2026-01-31T23:59:59Z"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char line[200];
        snprintf(line, sizeof line, "MAIL FROM:<a@b> %s", bad[i]);
        expect(line, &all, SMTP_REPLY_BAD_PARAMETER, &command);
    }
    expect("MAIL FROM:<a@b> FOO=1", &all, SMTP_REPLY_UNKNOWN_PARAMETER, &command);
    static const char *const offered[] = {"SIZE=1",  "BODY=7BIT",    "SMTPUTF8",   "RET=FULL",
                                          "ENVID=x", "AUTH=<>",      "REQUIRETLS", "HOLDFOR=1",
                                          "BY=1;N",  "MT-PRIORITY=1"};
    for (size_t i = 0; i < sizeof offered / sizeof offered[0]; i++) {
        char line[200];
        snprintf(line, sizeof line, "MAIL FROM:<a@b> %s", offered[i]);
        expect(line, &none, SMTP_REPLY_UNKNOWN_PARAMETER, &command);
    }
    struct smtp_command_options no_binary = {.parameters = ~(unsigned)SMTP_PARAMETER_BINARYMIME};
    expect("MAIL FROM:<a@b> BODY=BINARYMIME", &no_binary, SMTP_REPLY_BAD_PARAMETER, &command);
}

static void test_bdat(void **state)
{
    (void)state;
    struct smtp_command command;
    expect("BDAT 1000", &all, SMTP_REPLY_NONE, &command);
    assert_int_equal(command.bdat.size, 1000);
    assert_false(command.bdat.last);
    expect("bdat 0 last", &all, SMTP_REPLY_NONE, &command);
    assert_true(command.bdat.last);
    static const char *const bad[] = {"BDAT",
                                      "BDAT x",
                                      "BDAT -1",
                                      "BDAT 1 LASTX",
                                      "BDAT 1 2",
                                      "BDAT 1LAST",
                                      "BDAT 99999999999999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        expect(bad[i], &all, SMTP_REPLY_BDAT_SYNTAX, &command);
}

static void test_auth_and_xclient(void **state)
{
    (void)state;
    struct smtp_command command;
    expect("AUTH PLAIN dGVzdA==", &all, SMTP_REPLY_NONE, &command);
    ASSERT_TEXT(command.auth.mechanism, "PLAIN");
    ASSERT_TEXT(command.auth.initial, "dGVzdA==");
    expect("AUTH PLAIN =", &all, SMTP_REPLY_NONE, &command);
    ASSERT_TEXT(command.auth.initial, "=");
    expect("XCLIENT NAME=[UNAVAILABLE] ADDR=192.0.2.1 HELO=a+2Bb", &all, SMTP_REPLY_NONE, &command);
    ASSERT_TEXT(command.xclient.address, "192.0.2.1");
    ASSERT_TEXT(command.xclient.helo, "a+b");
    assert_null(command.xclient.name.data);
    expect("XCLIENT FOO=1", &all, SMTP_REPLY_BAD_ARGUMENT, &command);
    expect("XCLIENT", &all, SMTP_REPLY_BAD_ARGUMENT, &command);
}

static enum smtp_reply mail_with(size_t local, size_t domain)
{
    char line[2000] = "MAIL FROM:<";
    size_t size = strlen(line);
    memset(line + size, 'l', local);
    size += local;
    line[size++] = '@';
    for (size_t i = 0; i < domain; i++)
        line[size++] = i % 2 ? '.' : 'd';
    line[size++] = '>';
    struct smtp_command command;
    return smtp_command_parse(&arena, slice_of(line, size), &all, &command);
}

static void test_limits(void **state)
{
    (void)state;
    struct smtp_command command;
    char text[2000], line[2200];
    assert_int_equal(mail_with(SMTP_LOCAL_SIZE_MAX, 3), SMTP_REPLY_NONE);
    assert_int_equal(mail_with(SMTP_LOCAL_SIZE_MAX + 1, 3), SMTP_REPLY_BAD_SENDER_ADDRESS);
    assert_int_equal(mail_with(1, 253), SMTP_REPLY_NONE);
    assert_int_equal(mail_with(1, SMTP_DOMAIN_SIZE_MAX + 2), SMTP_REPLY_BAD_SENDER_ADDRESS);
    memset(text, 'x', sizeof text);
    for (int over = 0; over < 2; over++) {
        snprintf(line, sizeof line, "MAIL FROM:<a@b> ENVID=%.*s", SMTP_ENVID_SIZE_MAX + over, text);
        expect(line, &all, over ? SMTP_REPLY_BAD_PARAMETER : SMTP_REPLY_NONE, &command);
        snprintf(line, sizeof line, "RCPT TO:<a@b> ORCPT=r;%.*s", SMTP_ORCPT_SIZE_MAX - 2 + over,
                 text);
        expect(line, &all, over ? SMTP_REPLY_BAD_PARAMETER : SMTP_REPLY_NONE, &command);
        snprintf(line, sizeof line, "EHLO %.*s", SMTP_HELO_SIZE_MAX + over, text);
        expect(line, &all, over ? SMTP_REPLY_HELO_SYNTAX : SMTP_REPLY_NONE, &command);
        snprintf(line, sizeof line, "AUTH %.*s", SMTP_MECHANISM_SIZE_MAX + over, text);
        expect(line, &all, over ? SMTP_REPLY_BAD_ARGUMENT : SMTP_REPLY_NONE, &command);
        snprintf(line, sizeof line, "MAIL FROM:<\"%.*s\"@b>", SMTP_LOCAL_SIZE_MAX + over, text);
        expect(line, &all, over ? SMTP_REPLY_BAD_SENDER_ADDRESS : SMTP_REPLY_NONE, &command);
    }
    snprintf(line, sizeof line, "MAIL FROM:<a@b> HOLDFOR=%d", SMTP_HOLD_SECONDS_MAX);
    expect(line, &all, SMTP_REPLY_NONE, &command);
    snprintf(line, sizeof line, "MAIL FROM:<a@b> HOLDFOR=%d", SMTP_HOLD_SECONDS_MAX + 1);
    expect(line, &all, SMTP_REPLY_BAD_PARAMETER, &command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_verbs, setup, teardown),
        cmocka_unit_test_setup_teardown(test_senders, setup, teardown),
        cmocka_unit_test_setup_teardown(test_recipients, setup, teardown),
        cmocka_unit_test_setup_teardown(test_parameters_of_mail, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bdat, setup, teardown),
        cmocka_unit_test_setup_teardown(test_auth_and_xclient, setup, teardown),
        cmocka_unit_test_setup_teardown(test_limits, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
