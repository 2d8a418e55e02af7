/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check.h"

#include "format/mail/tlsrpt.h"

static struct arena arena;

static error parse(const char *text, struct tlsrpt_record *out)
{
    arena_reset(&arena);
    return tlsrpt_record_parse(slice_from_string(text), &arena, out);
}

static void test_record(void **state)
{
    (void)state;
    struct tlsrpt_record record;
    arena_init(&arena, 64 << 10);
    assert_ok(parse("v=TLSRPTv1;rua=mailto:reports@example.com", &record));
    assert_int_equal(record.count, 1);
    assert_int_equal(record.targets[0].kind, TLSRPT_MAIL);
    assert_slice(record.targets[0].address, "reports@example.com");
    assert_ok(parse("v=TLSRPTv1; rua=https://reporting.example.com/v1/tlsrpt , "
                    "mailto:a%2Bb@d.example?subject=x, ftp://x/, mailto:nobody;",
                    &record));
    assert_int_equal(record.count, 2);
    assert_int_equal(record.targets[0].kind, TLSRPT_HTTPS);
    assert_slice(record.targets[0].address, "https://reporting.example.com/v1/tlsrpt");
    assert_slice(record.targets[1].address, "a+b@d.example");
    assert_error(parse("v=spf1 -all", &record), ERROR_NOT_FOUND);
    assert_error(parse("v=TLSRPTv11; rua=mailto:a@b", &record), ERROR_NOT_FOUND);
    static const char *const wrong[] = {
        "v=TLSRPTv1",
        "v=TLSRPTv1; rua=",
        "v=TLSRPTv1; rua=mailto:",
        "v=TLSRPTv1; rua=mailto:@b",
        "v=TLSRPTv1; rua=mailto:a@",
        "v=TLSRPTv1; rua=mailto:@a:b@c",
        "v=TLSRPTv1; rua=mailto:a%40b@c",
        "v=TLSRPTv1; rua=mailto:a@b/c",
        "v=TLSRPTv1; rua=mailto:a%0d%0aX@b",
        "v=TLSRPTv1; rua=mailto:a%zz@b",
        "v=TLSRPTv1; rua=mailto:<a@b>",
        "v=TLSRPTv1; rua=http://a/",
        "v=TLSRPTv1; rua=mailto:a@b; rua=mailto:a@b",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_error(parse(wrong[i], &record), ERROR_MALFORMED);
    assert_ok(parse("v=TLSRPTv1;rua=mailto:a@b,mailto:a@b,mailto:a@b,mailto:a@b,mailto:a@b,"
                    "mailto:a@b,mailto:a@b,mailto:a@b,mailto:a@b",
                    &record));
    assert_int_equal(record.count, TLSRPT_TARGETS_MAX);
    arena_close(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_record)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
