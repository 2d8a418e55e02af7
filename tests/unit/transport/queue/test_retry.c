/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check.h"

#include "base/random.h"
#include "transport/queue/schedule.h"

static const struct queue_settings settings = {.retry_min = 300 * TIME_S,
                                               .retry_max = 4 * 3600 * TIME_S};

static void test_doubles_up_to_the_longest(void **state)
{
    (void)state;
    static const int64_t middle[] = {300, 300, 600, 1200, 2400, 4800, 9600, 14400, 14400};
    for (unsigned attempts = 0; attempts < sizeof middle / sizeof *middle; attempts++) {
        int64_t least = INT64_MAX, most = 0;
        for (unsigned i = 0; i < 10000; i++) {
            int64_t pause = queue_retry_pause(&settings, attempts, random_u64());
            least = pause < least ? pause : least;
            most = pause > most ? pause : most;
        }
        assert_true(least >= middle[attempts] * TIME_S * 3 / 4);
        assert_true(least < middle[attempts] * TIME_S * 77 / 100);
        assert_true(most <= middle[attempts] * TIME_S * 5 / 4);
        assert_true(most > middle[attempts] * TIME_S * 123 / 100);
    }
}

static void test_extremes(void **state)
{
    (void)state;
    const struct queue_settings upside_down = {.retry_min = 10, .retry_max = 1};
    const struct queue_settings tiny = {.retry_min = 1, .retry_max = 1};
    assert_true(queue_retry_pause(&settings, UINT16_MAX, UINT64_MAX) <= 5 * 3600 * TIME_S);
    assert_true(queue_retry_pause(&upside_down, 5, 3) >= 7);
    assert_int_equal(queue_retry_pause(&tiny, 5, 3), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_doubles_up_to_the_longest),
        cmocka_unit_test(test_extremes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
