/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check.h"

#include "format/text/base64.h"
#include "transport/report/document.h"

static void test_report(void **state)
{
    (void)state;
    struct buffer json, mail;
    struct tls_report_failure second = {
        .result = TLS_REPORT_STARTTLS_NOT_SUPPORTED, .count = 1, .host = SLICE("mx2.test")};
    struct tls_report_failure first = {
        .next = &second,
        .result = TLS_REPORT_CERTIFICATE_EXPIRED,
        .count = 2,
        .host = SLICE("mx.test"),
        .reason = SLICE("a \"reason\""),
    };
    assert_ok(address_parse(SLICE("192.0.2.1:25"), &first.peer));
    assert_ok(address_parse(SLICE("[2001:db8::1]:25"), &first.local));
    const struct tls_report_entry sts = {
        .domain = SLICE("good.test"),
        .policy = TLS_REPORT_STS,
        .policy_text = SLICE("version: STSv1\r\nmode: enforce\r\nmx: *.good.test\r\n"),
        .successes = 5,
        .failures = 3,
        .details = &first,
    };
    const struct tls_report_entry none = {
        .domain = SLICE("good.test"), .policy = TLS_REPORT_NO_POLICY, .successes = 1};
    const struct tls_document document = {
        .organization = SLICE("Us"),
        .contact = SLICE("tls@us.test"),
        .submitter = SLICE("mail.us.test"),
        .domain = SLICE("good.test"),
        .id = SLICE("4711-abc"),
        .begin = 1459468800,
        .end = 1459468800 + 86400,
        .entries = {[TLS_REPORT_STS] = &sts, [TLS_REPORT_NO_POLICY] = &none},
    };
    buffer_init(&json, 1 << 16);
    buffer_init(&mail, 1 << 16);
    tls_document_write(&document, &json);
    assert_slice(
        buffer_slice(&json),
        "{\"organization-name\":\"Us\",\"date-range\":{\"start-datetime\":\"2016-04-01T00:00:00Z\","
        "\"end-datetime\":\"2016-04-01T23:59:59Z\"},\"contact-info\":\"tls@us.test\","
        "\"report-id\":\"4711-abc\",\"policies\":[{\"policy\":{\"policy-type\":\"sts\","
        "\"policy-string\":[\"version: STSv1\",\"mode: enforce\",\"mx: *.good.test\"],"
        "\"policy-domain\":\"good.test\",\"mx-host\":[\"*.good.test\"]},"
        "\"summary\":{\"total-successful-session-count\":5,\"total-failure-session-count\":3},"
        "\"failure-details\":[{\"result-type\":\"certificate-expired\","
        "\"sending-mta-ip\":\"2001:db8::1\",\"receiving-mx-hostname\":\"mx.test\","
        "\"receiving-ip\":\"192.0.2.1\",\"failed-session-count\":2,"
        "\"failure-reason-code\":\"a \\\"reason\\\"\"},"
        "{\"result-type\":\"starttls-not-supported\",\"receiving-mx-hostname\":\"mx2.test\","
        "\"failed-session-count\":1}]},"
        "{\"policy\":{\"policy-type\":\"no-policy-found\",\"policy-domain\":\"good.test\"},"
        "\"summary\":{\"total-successful-session-count\":1,\"total-failure-session-count\":0}}]}");
    tls_document_mail(&document, SLICE("reports@good.test"), buffer_slice(&json), &mail);
    assert_ok(buffer_check(&mail));
    slice text = buffer_slice(&mail);
    assert_true(slice_starts(text, SLICE("From: <tls@us.test>\r\nTo: <reports@good.test>\r\n")));
    assert_true(slice_find(text, SLICE("\r\nTLS-Report-Domain: good.test\r\n")) > 0);
    assert_true(slice_find(text, SLICE("report-type=\"tlsrpt\"")) > 0);
    assert_true(slice_find(text, SLICE("filename=\"mail.us.test!good.test!1459468800!1459555199."
                                       "json.gz\"\r\n\r\n")) > 0);
    assert_true(slice_ends(text, SLICE("--=_4711-abc--\r\n")));
    /* every line short, every line ended by CRLF */
    for (slice rest = text, line; rest.size;) {
        slice_cut(rest, '\n', &line, &rest);
        assert_true(line.size > 0 && line.data[line.size - 1] == '\r' && line.size <= 90);
    }
    buffer_close(&json);
    buffer_close(&mail);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_report)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
