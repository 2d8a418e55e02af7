/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check.h"

#include "filter/authentic/dmarc_record.h"

static struct dmarc_record record;

static enum error_kind parse(const char *text)
{
    return dmarc_record_parse(slice_from_string(text), &record).kind;
}

static void test_reads_all_tags(void **state)
{
    (void)state;
    assert_int_equal(parse("v=DMARC1; p=quarantine; sp=reject; np=none; adkim=s; aspf=S; pct=25; "
                           "rua=mailto:a@x.example; ruf=mailto:f@x.example; fo=1; ri=86400; x=y"),
                     ERROR_NONE);
    assert_int_equal(record.policy, DMARC_POLICY_QUARANTINE);
    assert_int_equal(record.subdomain, DMARC_POLICY_REJECT);
    assert_int_equal(record.missing, DMARC_POLICY_NONE);
    assert_true(record.has_missing);
    assert_true(record.dkim_strict);
    assert_true(record.spf_strict);
    assert_int_equal(record.percent, 25);
    assert_slice(record.aggregate, "mailto:a@x.example");
    assert_slice(record.failure, "mailto:f@x.example");
}

static void test_defaults(void **state)
{
    (void)state;
    assert_int_equal(parse("v=DMARC1;p=reject"), ERROR_NONE);
    assert_int_equal(record.subdomain, DMARC_POLICY_REJECT);
    assert_int_equal(record.missing, DMARC_POLICY_REJECT);
    assert_false(record.has_missing);
    assert_false(record.dkim_strict);
    assert_int_equal(record.percent, 100);
    assert_int_equal(parse("v=DMARC1; p=reject; sp=none"), ERROR_NONE);
    assert_int_equal(record.missing, DMARC_POLICY_NONE);
    assert_string_equal(dmarc_policy_name(record.policy), "reject");
}

static void test_what_makes_no_sense_is_left_out(void **state)
{
    (void)state;
    assert_int_equal(parse(" v = DMARC1 ;; P=Reject; sp=what; pct=101; adkim=x; = ; ;nonsense"),
                     ERROR_NONE);
    assert_int_equal(record.policy, DMARC_POLICY_REJECT);
    assert_int_equal(record.subdomain, DMARC_POLICY_REJECT);
    assert_int_equal(record.percent, 100);
    assert_false(record.dkim_strict);
    assert_int_equal(parse("v=DMARC1; p=none; pct=5x"), ERROR_NONE);
    assert_int_equal(record.percent, 100);
}

/* RFC 7489 6.6.3 step 6. */
static void test_without_a_policy(void **state)
{
    (void)state;
    assert_int_equal(parse("v=DMARC1; sp=reject"), ERROR_MALFORMED);
    assert_int_equal(parse("v=DMARC1"), ERROR_MALFORMED);
    assert_int_equal(parse("v=DMARC1; p=perhaps"), ERROR_MALFORMED);
    assert_int_equal(parse("v=DMARC1; sp=reject; rua=mailto:a@x.example"), ERROR_NONE);
    assert_int_equal(record.policy, DMARC_POLICY_NONE);
    assert_int_equal(record.subdomain, DMARC_POLICY_NONE);
}

static void test_what_is_no_record(void **state)
{
    (void)state;
    static const char *const others[] = {"",
                                         "v=spf1 -all",
                                         "v=DMARC2; p=reject",
                                         "v=dmarc1; p=none",
                                         "p=reject; v=DMARC1",
                                         "DMARC1; p=none"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        assert_int_equal(parse(others[i]), ERROR_NOT_FOUND);
}

/* RFC 7489 6.6.4 */
static void test_samples(void **state)
{
    (void)state;
    assert_int_equal(dmarc_policy_sample(DMARC_POLICY_REJECT, 20, 19), DMARC_POLICY_REJECT);
    assert_int_equal(dmarc_policy_sample(DMARC_POLICY_REJECT, 20, 20), DMARC_POLICY_QUARANTINE);
    assert_int_equal(dmarc_policy_sample(DMARC_POLICY_QUARANTINE, 0, 0), DMARC_POLICY_NONE);
    assert_int_equal(dmarc_policy_sample(DMARC_POLICY_NONE, 0, 0), DMARC_POLICY_NONE);
    assert_int_equal(dmarc_policy_sample(DMARC_POLICY_REJECT, 100, 99), DMARC_POLICY_REJECT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_all_tags),
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_what_makes_no_sense_is_left_out),
        cmocka_unit_test(test_without_a_policy),
        cmocka_unit_test(test_what_is_no_record),
        cmocka_unit_test(test_samples),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
