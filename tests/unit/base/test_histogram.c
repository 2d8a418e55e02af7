/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check.h"

#include "base/histogram.h"

static struct histogram histogram;

static void test_buckets_cover_everything_in_order(void **state)
{
    (void)state;
    for (unsigned i = 0; i + 1 < HISTOGRAM_BUCKETS; i++) {
        uint64_t low = histogram_bucket_low(i), next = histogram_bucket_low(i + 1);
        assert_true(low < next);
        assert_int_equal(histogram_bucket_of(low), i);
        assert_int_equal(histogram_bucket_of(next - 1), i);
        assert_true((double)(next - low - 1) <= 0.032 * (double)low + 1e-9 ||
                    i < 2 * HISTOGRAM_STEPS);
    }
    assert_int_equal(histogram_bucket_of(UINT64_MAX), HISTOGRAM_BUCKETS - 1);
}

static void test_quantiles_are_near_the_truth(void **state)
{
    (void)state;
    memset(&histogram, 0, sizeof histogram);
    assert_int_equal(histogram_quantile(&histogram, 0.5), 0);
    for (uint64_t i = 1; i <= 100000; i++)
        histogram_add(&histogram, i * 10);
    const double shares[] = {0.01, 0.5, 0.9, 0.99, 0.999};
    for (int i = 0; i < 5; i++) {
        double got = (double)histogram_quantile(&histogram, shares[i]);
        double truth = shares[i] * 1e6;
        assert_true(got >= truth && got <= truth * 1.04);
    }
    assert_int_equal(histogram_quantile(&histogram, 1), 1000000);
    assert_int_equal(histogram_mean(&histogram), 500005);
}

static void test_merging_is_adding(void **state)
{
    (void)state;
    static struct histogram one, both;
    memset(&histogram, 0, sizeof histogram);
    for (uint64_t i = 0; i < 1000; i++) {
        histogram_add(i % 3 ? &histogram : &one, i * i);
        histogram_add(&both, i * i);
    }
    histogram_merge(&histogram, &one);
    assert_memory_equal(&histogram, &both, sizeof both);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_buckets_cover_everything_in_order),
        cmocka_unit_test(test_quantiles_are_near_the_truth),
        cmocka_unit_test(test_merging_is_adding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
