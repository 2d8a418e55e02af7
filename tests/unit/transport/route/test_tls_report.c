/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check.h"

#include "transport/route/tls_report_record.h"

#include <stdio.h>

static void note(const char *domain, enum tls_report_result result, const char *host)
{
    struct tls_report_session session = {
        .domain = slice_from_string(domain),
        .policy = TLS_REPORT_STS,
        .result = result,
        .policy_text = SLICE("version: STSv1"),
        .host = slice_from_string(host),
    };
    assert_ok(address_parse(SLICE("192.0.2.1:25"), &session.peer));
    session.peer.port = (uint16_t)(result * 100 + 1); /* does not count */
    tls_report_note(&session);
}

static struct tls_report_entry *entry(struct tls_report_day *day, const char *key)
{
    return map_get(&day->entries, slice_from_string(key));
}

static void test_counts(void **state)
{
    (void)state;
    note("before.test", TLS_REPORT_SUCCESS, "mx.test"); /* nobody keeps */
    assert_ok(tls_report_start());
    assert_null(tls_report_take());
    note("a.test", TLS_REPORT_SUCCESS, "mx.test");
    note("a.test", TLS_REPORT_SUCCESS, "mx.test");
    note("a.test", TLS_REPORT_CERTIFICATE_EXPIRED, "mx.test");
    note("a.test", TLS_REPORT_CERTIFICATE_EXPIRED, "mx.test");
    note("a.test", TLS_REPORT_CERTIFICATE_EXPIRED, "mx2.test");
    note("b.test", TLS_REPORT_SUCCESS, "mx.test");
    struct tls_report_day *day = tls_report_take();
    assert_non_null(day);
    assert_null(tls_report_take());
    assert_int_equal(day->entries.count, 2);
    struct tls_report_entry *a = entry(day, "1a.test");
    assert_non_null(a);
    assert_int_equal(a->successes, 2);
    assert_int_equal(a->failures, 3);
    assert_int_equal(a->failure_count, 2);
    assert_int_equal(a->details->count, 2);
    assert_slice(a->details->next->host, "mx2.test");
    assert_slice(a->policy_text, "version: STSv1");
    /* another core's */
    note("a.test", TLS_REPORT_CERTIFICATE_EXPIRED, "mx2.test");
    note("c.test", TLS_REPORT_SUCCESS, "mx.test");
    struct tls_report_day *other = tls_report_take();
    assert_ok(tls_report_merge(day, other));
    tls_report_day_destroy(&other);
    assert_int_equal(day->entries.count, 3);
    assert_int_equal(a->failures, 4);
    assert_int_equal(a->details->next->count, 2);
    tls_report_day_destroy(&day);
    tls_report_stop();
}

static void test_limits(void **state)
{
    (void)state;
    char name[32];
    assert_ok(tls_report_start());
    for (unsigned i = 0; i < TLS_REPORT_FAILURES_MAX + 5; i++) {
        snprintf(name, sizeof name, "mx%u.test", i);
        note("a.test", TLS_REPORT_VALIDATION_FAILURE, name);
    }
    for (unsigned i = 0; i < TLS_REPORT_DOMAINS_MAX + 5; i++) {
        snprintf(name, sizeof name, "d%u.test", i);
        note(name, TLS_REPORT_SUCCESS, "mx.test");
    }
    struct tls_report_day *day = tls_report_take();
    assert_int_equal(day->entries.count, TLS_REPORT_DOMAINS_MAX);
    assert_int_equal(entry(day, "1a.test")->failure_count, TLS_REPORT_FAILURES_MAX);
    assert_int_equal(entry(day, "1a.test")->failures, TLS_REPORT_FAILURES_MAX + 5);
    tls_report_day_destroy(&day);
    tls_report_stop();
}

/* What is too long is cut, or lost where it cannot be. */
static void test_lengths(void **state)
{
    (void)state;
    static char text[TLS_REPORT_POLICY_SIZE_MAX + 100];
    memset(text, 'a', sizeof text);
    struct tls_report_session session = {
        .domain = slice_of(text, TLS_REPORT_DOMAIN_SIZE_MAX),
        .policy = TLS_REPORT_STS,
        .result = TLS_REPORT_CERTIFICATE_EXPIRED,
        .policy_text = slice_of(text, sizeof text),
        .host = slice_of(text, TLS_REPORT_DOMAIN_SIZE_MAX + 1),
        .reason = slice_of(text, TLS_REPORT_REASON_SIZE_MAX + 1),
    };
    assert_ok(tls_report_start());
    tls_report_note(&session);
    session.domain.size++;
    tls_report_note(&session);
    struct tls_report_day *day = tls_report_take();
    assert_int_equal(day->entries.count, 1);
    char key[TLS_REPORT_DOMAIN_SIZE_MAX + 2] = "1";
    memcpy(key + 1, text, TLS_REPORT_DOMAIN_SIZE_MAX);
    const struct tls_report_entry *a = entry(day, key);
    assert_non_null(a);
    assert_int_equal(a->policy_text.size, TLS_REPORT_POLICY_SIZE_MAX);
    assert_int_equal(a->details->host.size, TLS_REPORT_DOMAIN_SIZE_MAX);
    assert_int_equal(a->details->reason.size, TLS_REPORT_REASON_SIZE_MAX);
    /* The same as a record, in full length and at every shorter one. */
    struct buffer out;
    struct arena arena;
    struct tls_report_entry back;
    buffer_init(&out, 1 << 16);
    arena_init(&arena, 8 << 20);
    tls_report_entry_write(&out, 3, a);
    struct frame_scan scan = {
        .window = buffer_slice(&out), .salt = 3, .kind_last = TLS_REPORT_KIND_LAST, .last = true};
    unsigned kind;
    slice payload;
    assert_int_equal(frame_scan_next(&scan, &kind, &payload), FRAME_SCAN_RECORD);
    assert_ok(tls_report_entry_read(payload, &arena, &back));
    assert_true(slice_equal(back.domain, a->domain));
    assert_true(slice_equal(back.details->host, a->details->host));
    for (size_t size = 0; size < payload.size; size++)
        assert_error(tls_report_entry_read(slice_sub(payload, 0, size), &arena, &back),
                     ERROR_MALFORMED);
    arena_close(&arena);
    buffer_close(&out);
    tls_report_day_destroy(&day);
    tls_report_stop();
}

static void test_names(void **state)
{
    (void)state;
    for (int i = 0; i < TLS_REPORT_RESULTS; i++)
        assert_non_null(tls_report_result_name((enum tls_report_result)i));
    for (int i = 0; i < TLS_REPORT_POLICIES; i++)
        assert_non_null(tls_report_policy_name((enum tls_report_policy)i));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
