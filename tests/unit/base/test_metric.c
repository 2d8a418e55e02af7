/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check.h"

#include "base/metric.h"

#include <pthread.h>

METRIC_COUNTER(counted, "ringmail_test_total", "kind=\"b\"", "A test");
METRIC_COUNTER(counted_first, "ringmail_test_total", "kind=\"a\"", "A test");
METRIC_GAUGE(level, "ringmail_a_test", "", "A gauge");
METRIC_HISTOGRAM(spread, "ringmail_test_seconds", "", "A histogram");

enum { THREADS = 4, ROUNDS = 100000 };

static void *count(void *argument)
{
    metric_name_thread("counter");
    for (int i = 0; i < ROUNDS; i++) {
        metric_add(&counted, 1);
        metric_add(&level, (intptr_t)argument % 2 ? 1 : -1);
        metric_observe(&spread, (uint64_t)i);
    }
    return NULL;
}

static void test_sums_over_threads(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    for (intptr_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, count, (void *)i), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(metric_value(&counted), THREADS * ROUNDS);
    assert_int_equal(metric_value(&level), 0);
    static struct histogram merged;
    metric_histogram(&spread, &merged);
    assert_int_equal(merged.count, THREADS * ROUNDS);
    assert_int_equal(merged.max, ROUNDS - 1);
    int named = 0;
    for (unsigned i = 0; metric_thread_name(i); i++)
        if (!strcmp(metric_thread_name(i), "counter")) {
            named++;
            assert_int_equal(metric_value_of(&counted, i), ROUNDS);
        }
    assert_int_equal(named, THREADS);
}

static void test_lists_in_order_of_names(void **state)
{
    (void)state;
    assert_ptr_equal(metric_find(SLICE("ringmail_test_total"), SLICE("kind=\"a\"")),
                     &counted_first);
    assert_null(metric_find(SLICE("ringmail_test_total"), SLICE("")));
    for (unsigned i = 1; metric_at(i); i++)
        assert_true(strcmp(metric_at(i - 1)->name, metric_at(i)->name) <= 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sums_over_threads),
        cmocka_unit_test(test_lists_in_order_of_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
