/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check.h"

#include "format/mail/dsn.h"
#include "format/mail/report.h"

#include <stdio.h>
#include <stdlib.h>

static struct arena arena;
static struct mail_report report;

/* A report around these fields; lines may end in LF. */
static error parse_fields(const char *type, const char *fields)
{
    slice message;
    arena_reset(&arena);
    assert_ok(arena_format(&arena, &message,
                           "Content-Type: multipart/report; boundary=b\n\n--b\n\nwords\n--b\n"
                           "Content-Type: message/%s\n\n%s\n--b\nContent-Type: text/rfc822-headers"
                           "\n\nSubject: x\nMessage-ID: <1@x>\n\n--b--\n",
                           type, fields));
    return mail_report_parse(&arena, message, &report);
}

/* What our own writer makes is read back. */
static void test_our_own(void **state)
{
    (void)state;
    const struct dsn_recipient recipients[] = {
        {.original_type = SLICE("utf-8"),
         .original_address = SLICE("ren\xc3\xa9@example.com"),
         .final_address = SLICE("\"o dd\"@example.net"),
         .status = {5, 2, 2},
         .remote_host = SLICE("mx.example.net"),
         .code = 552,
         .text = SLICE("mailbox full")},
        {.final_address = SLICE("c@example.net"), .text = SLICE("no answer")},
    };
    for (unsigned action = 0; action < DSN_ACTIONS; action++) {
        struct buffer text;
        struct dsn_needs needs;
        const struct dsn dsn = {.action = (enum dsn_action)action,
                                .language = DSN_GERMAN,
                                .reporting_mta = SLICE("mx.example.org"),
                                .from = SLICE("MAILER-DAEMON@mx.example.org"),
                                .to = SLICE("alice@example.org"),
                                .unique = SLICE("0123456789"),
                                .now = 1795341605,
                                .envid = SLICE("QQ314159"),
                                .arrived = 1795341601,
                                .utf8 = action % 2,
                                .body = SLICE("Message-ID: <1@x>\r\n\r\n"),
                                .full = action == 0,
                                .recipients = recipients,
                                .count = 2};
        arena_reset(&arena);
        buffer_init(&text, 1 << 20);
        assert_ok(dsn_write(&dsn, &arena, &text, &needs));
        assert_true(mail_report_is_likely(buffer_slice(&text)));
        assert_ok(mail_report_parse(&arena, buffer_slice(&text), &report));
        assert_int_equal(report.kind, MAIL_REPORT_DELIVERY);
        assert_int_equal(report.count, 2);
        assert_slice(report.reporting_mta, "mx.example.org");
        assert_slice(report.envid, "QQ314159");
        assert_int_equal(report.arrived, 1795341601);
        assert_slice(report.message_id, "<1@x>");
        const struct mail_report_recipient *r = report.recipients;
        assert_int_equal(r->action, action);
        assert_slice(r->original, "ren\xc3\xa9@example.com");
        assert_slice(r->final, "\"o dd\"@example.net");
        assert_slice(r->host, "mx.example.net");
        assert_int_equal(r->code, 552);
        assert_slice(r->text, "mailbox full");
        assert_int_equal(r->status[0] * 100 + r->status[1] * 10 + r->status[2], 522);
        r = r->next;
        assert_slice(r->final, "c@example.net");
        assert_slice(r->text, "no answer");
        assert_int_equal(r->code, 0);
        assert_null(r->next);
        buffer_close(&text);
    }
}

struct loose {
    const char *fields;
    const char *final;
    enum dsn_action action;
    int status; /* 511 */
    int code;
    const char *host, *text;
};

/* As other servers write them. */
static void test_loose(void **state)
{
    (void)state;
    static const struct loose cases[] = {
        {"Reporting-MTA: dns; a\n\nFinal-Recipient: RFC822; <b@example.net> (Bob)\nAction: failed "
         "(really)\nStatus: 5.1.1 (bad address)\nRemote-MTA: DNS; mx.example.net (192.0.2.1)\n"
         "Diagnostic-Code: SMTP; 550-5.1.1 The email\n account does not exist.\n",
         "b@example.net", DSN_FAILED, 511, 550, "mx.example.net",
         "The email account does not exist."},
        /* one group only; no action; the status stands in the words */
        {"Reporting-MTA: dns; a\nFinal-Recipient: b@example.net\nStatus: 5.0.0\nDiagnostic-Code: "
         "550 5.7.26 refused\n",
         "b@example.net", DSN_FAILED, 5726, 550, "", "refused"},
        {"\n\n\nFinal-Recipient: rfc822;b@example.net\nAction: DELAYED\nDiagnostic-Code: X-Postfix;"
         " unknown user: \"b\"\n",
         "b@example.net", DSN_DELAYED, 0, 0, "", "unknown user: \"b\""},
        {"Original-Recipient: rfc822;b@example.net\nStatus: 4.4.1\n\n", "", DSN_DELAYED, 441, 0, "",
         ""},
        {"Final-Recipient: rfc822; no address at all\nStatus: 9.1.1\nAction: exploded\n",
         "no address at all", DSN_ACTIONS, 0, 0, "", ""},
        /* an address is no status and no code */
        {"Final-Recipient: rfc822; b@example.net\nDiagnostic-Code: smtp; 5.1.1.9 is blocked\n",
         "b@example.net", DSN_ACTIONS, 0, 0, "", "5.1.1.9 is blocked"},
        {"Final-Recipient: utf-8; ren\\x{E9}\\x{110000}\\x{}\\x{4@example.net\n",
         "\"ren\xc3\xa9\\\\x{110000}\\\\x{}\\\\x{4\"@example.net", DSN_ACTIONS, 0, 0, "", ""},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct loose *c = &cases[i];
        assert_ok(parse_fields("delivery-status", c->fields));
        assert_int_equal(report.count, 1);
        const struct mail_report_recipient *r = report.recipients;
        int status = r->status[2] > 9 ? 100 : 10;
        assert_int_equal((r->status[0] * 10 + r->status[1]) * status + r->status[2], c->status);
        assert_int_equal(r->action, c->action);
        assert_int_equal(r->code, c->code);
        if (!slice_equal(r->final, slice_from_string(c->final)))
            fail_msg("%u: %.*s", i, SLICE_ARG(r->final));
        assert_true(slice_equal(r->host, slice_from_string(c->host)));
        assert_true(slice_equal(r->text, slice_from_string(c->text)));
        assert_slice(report.message_id, "<1@x>");
    }
}

static void test_feedback(void **state)
{
    (void)state;
    assert_ok(parse_fields("feedback-report",
                           "Feedback-Type: abuse\nUser-Agent: SomeGenerator/1.0\nVersion: 1\n"
                           "Original-Mail-From: <somespammer@example.net>\n"
                           "Original-Rcpt-To: <user@example.com>\n"
                           "Original-Rcpt-To: <other@example.com>\n"
                           "Reporting-MTA: dns; mail.example.com\nSource-IP: 192.0.2.1\n"
                           "Reported-Domain: example.net\nReported-Domain: second.example\n"
                           "Incidents: 7\nReceived-Date: Thu, 8 Mar 2005 14:00:00 EDT\n"));
    assert_int_equal(report.kind, MAIL_REPORT_FEEDBACK);
    assert_slice(report.feedback_type, "abuse");
    assert_slice(report.original_sender, "somespammer@example.net");
    assert_slice(report.reporting_mta, "mail.example.com");
    assert_slice(report.reported_domain, "example.net");
    assert_slice(report.source_ip, "192.0.2.1");
    assert_int_equal(report.incidents, 7);
    assert_int_equal(report.arrived, 1110304800);
    assert_int_equal(report.count, 2);
    assert_slice(report.recipients->final, "user@example.com");
    assert_slice(report.recipients->next->final, "other@example.com");
}

static void test_no_report(void **state)
{
    (void)state;
    arena_reset(&arena);
    assert_error(mail_report_parse(&arena, SLICE("Subject: x\r\n\r\nhello\r\n"), &report),
                 ERROR_NOT_FOUND);
    assert_error(mail_report_parse(&arena, SLICE(""), &report), ERROR_NOT_FOUND);
    assert_error(parse_fields("disposition-notification", "Disposition: displayed\n"),
                 ERROR_NOT_FOUND);
    /* A bounce that somebody forwards is not one of ours. */
    arena_reset(&arena);
    assert_error(mail_report_parse(
                     &arena,
                     SLICE("Content-Type: message/rfc822\n\nContent-Type: multipart/report; "
                           "boundary=b\n\n--b\n\n--b\nContent-Type: message/delivery-status\n\n"
                           "Final-Recipient: rfc822; a@b\n--b--\n"),
                     &report),
                 ERROR_NOT_FOUND);
    assert_true(mail_report_is_likely(SLICE("CONTENT-TYPE:\r\n Multipart/Report; x\r\n\r\n")));
    assert_false(mail_report_is_likely(SLICE("Content-Type: multipart/mixed\r\n\r\n")));
    assert_false(mail_report_is_likely(SLICE("\r\nContent-Type: multipart/report\r\n")));
}

static void test_limits(void **state)
{
    (void)state;
    static char fields[MAIL_REPORT_FIELDS_SIZE_MAX / 2];
    size_t size = 0;
    for (unsigned i = 0; i <= MAIL_REPORT_RECIPIENTS_MAX; i++)
        size += (size_t)snprintf(fields + size, sizeof fields - size,
                                 "Final-Recipient: rfc822; %u@b\n%s", i,
                                 i == MAIL_REPORT_RECIPIENTS_MAX ? "" : "\n");
    assert_ok(parse_fields("delivery-status", fields));
    assert_int_equal(report.count, MAIL_REPORT_RECIPIENTS_MAX);
    assert_true(report.cut_short);
    fields[size - sizeof "Final-Recipient: rfc822; 1000@b"] = '\0';
    assert_ok(parse_fields("delivery-status", fields));
    assert_int_equal(report.count, MAIL_REPORT_RECIPIENTS_MAX);
    assert_false(report.cut_short);
    struct arena small;
    arena_init(&small, 500);
    assert_error(mail_report_parse(&small,
                                   SLICE("Content-Type: multipart/report; boundary=b\n\n--b\n"
                                         "Content-Type: message/delivery-status\n\n"
                                         "Final-Recipient: rfc822; a@b\n--b--\n"),
                                   &report),
                 ERROR_LIMIT);
    arena_close(&small);
}

/* What lies past a bound is not looked at. */
static void test_bounds_of_bytes(void **state)
{
    (void)state;
    static char text[MAIL_REPORT_SIZE_MAX + 1000];
    static const char head[] = "Content-Type: multipart/report; boundary=b\n\n--b\n";
    static const char status[] = "\n--b\nContent-Type: message/delivery-status\n\n"
                                 "Final-Recipient: rfc822; a@b\nX-Pad: ";
    /* The part for programs begins before the end, or behind it. */
    for (unsigned behind = 0; behind < 2; behind++) {
        arena_reset(&arena);
        memset(text, 'x', sizeof text);
        memcpy(text, head, sizeof head - 1);
        size_t at = MAIL_REPORT_SIZE_MAX - (behind ? 10 : sizeof status + 10);
        memcpy(text + at, status, sizeof status - 1);
        assert_error(mail_report_parse(&arena, slice_of(text, sizeof text), &report),
                     behind ? ERROR_NOT_FOUND : ERROR_NONE);
    }
    /* Fields past MAIL_REPORT_FIELDS_SIZE_MAX, and a Message-ID past MAIL_REPORT_HEADER_SIZE_MAX.
     */
    for (unsigned more = 0; more < 2; more++) {
        slice message;
        arena_reset(&arena);
        assert_ok(arena_format(
            &arena, &message,
            "%s\n--b\nContent-Type: message/delivery-status\n\nFinal-Recipient: rfc822; a@b\n"
            "X-Pad: %0*d\n\nFinal-Recipient: rfc822; c@d\n\n--b\nContent-Type: message/rfc822\n\n"
            "X-Pad: %0*d\nMessage-ID: <1@x>\n\n--b--\n",
            head, MAIL_REPORT_FIELDS_SIZE_MAX - (more ? 40 : 100), 0,
            MAIL_REPORT_HEADER_SIZE_MAX - (more ? 10 : 50), 0));
        assert_ok(mail_report_parse(&arena, message, &report));
        assert_int_equal(report.count, more ? 1 : 2);
        assert_int_equal(report.message_id.size, more ? 0 : 5);
    }
    /* Around it as many multiparts as MAIL_REPORT_DEPTH_MAX says. */
    for (unsigned depth = MAIL_REPORT_DEPTH_MAX; depth <= MAIL_REPORT_DEPTH_MAX + 1; depth++) {
        struct buffer nested;
        buffer_init(&nested, 10000);
        for (unsigned i = 0; i < depth; i++)
            buffer_format(&nested, "Content-Type: multipart/mixed; boundary=b%u\n\n--b%u\n", i, i);
        buffer_add_string(&nested, "Content-Type: message/delivery-status\n\n"
                                   "Final-Recipient: rfc822; a@b\n");
        arena_reset(&arena);
        assert_error(mail_report_parse(&arena, buffer_slice(&nested), &report),
                     depth > MAIL_REPORT_DEPTH_MAX ? ERROR_NOT_FOUND : ERROR_NONE);
        buffer_close(&nested);
    }
}

/* Samples of another project, where they are. */
static void test_vectors(void **state)
{
    (void)state;
    static char message[1 << 20];
    static const struct {
        const char *type, *source, *domain;
        unsigned recipients;
    } wanted[] = {
        {"abuse", "", "", 0},
        {"abuse", "192.0.2.1", "example.net", 1},
        {"auth-failure", "192.0.2.1", "example.net", 1},
        {"auth-failure", "148.163.85.135", "interpublication.org", 0},
        {"auth-failure", "192.0.2.1", "a.sender.example", 0},
    };
    char path[500];
    for (unsigned i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        snprintf(path, sizeof path, "../shared/vectors/reports/arf/%03u.eml", i + 1);
        FILE *file = fopen(path, "r");
        if (!file)
            skip();
        size_t size = fread(message, 1, sizeof message, file);
        fclose(file);
        arena_reset(&arena);
        assert_ok(mail_report_parse(&arena, slice_of(message, size), &report));
        assert_int_equal(report.kind, MAIL_REPORT_FEEDBACK);
        assert_true(slice_equal_nocase(report.feedback_type, slice_from_string(wanted[i].type)));
        assert_true(slice_equal(report.source_ip, slice_from_string(wanted[i].source)));
        assert_true(slice_equal(report.reported_domain, slice_from_string(wanted[i].domain)));
        assert_int_equal(report.count, wanted[i].recipients);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_our_own),  cmocka_unit_test(test_loose),
        cmocka_unit_test(test_feedback), cmocka_unit_test(test_no_report),
        cmocka_unit_test(test_limits),   cmocka_unit_test(test_bounds_of_bytes),
        cmocka_unit_test(test_vectors),
    };
    arena_init(&arena, 64 << 20);
    int result = cmocka_run_group_tests(tests, NULL, NULL);
    arena_close(&arena);
    return result;
}
