/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check.h"

#include "service/smtp/allowance.h"

enum { NOW = 1790000000 };
static struct allowance_count count;
static struct smtp_settings limits;

static int setup(void **state)
{
    (void)state;
    count = (struct allowance_count){0};
    limits = (struct smtp_settings){0};
    return 0;
}

static void test_no_limit(void **state)
{
    (void)state;
    for (int i = 0; i < 1000; i++)
        allowance_add(&count, 1, 1000000000, NOW);
    struct allowance_left left = allowance_left(&count, &limits, NOW);
    assert_int_equal(left.messages, UINT32_MAX);
    assert_int_equal(left.recipients, UINT32_MAX);
    limits.recipients_per_day = 1; /* the count has not run over */
    assert_int_equal(allowance_left(&count, &limits, NOW).recipients, 0);
}

static void test_the_lesser_counts(void **state)
{
    (void)state;
    limits = (struct smtp_settings){.messages_per_hour = 3,
                                    .messages_per_day = 5,
                                    .recipients_per_hour = 30,
                                    .recipients_per_day = 20};
    allowance_add(&count, 2, 12, NOW);
    struct allowance_left left = allowance_left(&count, &limits, NOW);
    assert_int_equal(left.messages, 1);
    assert_int_equal(left.recipients, 8);
    left = allowance_left(&count, &limits, NOW + 2 * 3600);
    assert_int_equal(left.messages, 3);
    assert_int_equal(left.recipients, 8);
    allowance_add(&count, 3, 0, NOW + 2 * 3600);
    left = allowance_left(&count, &limits, NOW + 4 * 3600);
    assert_int_equal(left.messages, 0); /* of the day */
}

/* Never more than the limit within any 3600 seconds, wherever they begin; and free again at most
 * one slot later. */
static void test_window(void **state)
{
    (void)state;
    for (int start = 0; start < 600; start += 7) {
        setup(state);
        limits.messages_per_hour = 1;
        allowance_add(&count, 1, 1, NOW + start);
        for (int after = 0; after < 3600; after += 13)
            assert_int_equal(allowance_left(&count, &limits, NOW + start + after).messages, 0);
        assert_int_equal(allowance_left(&count, &limits, NOW + start + 3900).messages, 1);
    }
    for (int start = 0; start < 7200; start += 97) {
        setup(state);
        limits.recipients_per_day = 1;
        allowance_add(&count, 1, 1, NOW + start);
        for (int after = 0; after < 86400; after += 1301)
            assert_int_equal(allowance_left(&count, &limits, NOW + start + after).recipients, 0);
        assert_int_equal(allowance_left(&count, &limits, NOW + start + 90000).recipients, 1);
    }
}

static void test_given_back(void **state)
{
    (void)state;
    limits = (struct smtp_settings){.messages_per_hour = 2, .recipients_per_hour = 5};
    allowance_add(&count, 1, 4, NOW);
    allowance_add(&count, -1, -4, NOW);
    assert_int_equal(allowance_left(&count, &limits, NOW).messages, 2);
    assert_int_equal(allowance_left(&count, &limits, NOW).recipients, 5);
    allowance_add(&count, 1, 4, NOW);
    allowance_add(&count, -1, -4, NOW + 300); /* its slot has gone by: nothing below 0 */
    assert_int_equal(allowance_left(&count, &limits, NOW + 300).messages, 1);
}

static void test_clock_set_back(void **state)
{
    (void)state;
    limits.messages_per_hour = 2;
    allowance_add(&count, 1, 1, NOW);
    allowance_add(&count, 1, 1, NOW - 100000);
    assert_int_equal(allowance_left(&count, &limits, NOW - 100000).messages, 0);
    assert_int_equal(allowance_left(&count, &limits, NOW).messages, 0);
}

static void test_current(void **state)
{
    (void)state;
    allowance_add(&count, 1, 1, NOW);
    assert_true(allowance_is_current(&count, NOW));
    assert_true(allowance_is_current(&count, NOW + 86400));
    assert_false(allowance_is_current(&count, NOW + 26 * 3600));
    assert_true(allowance_is_current(&count, NOW - 3600)); /* the clock was set back a little */
    assert_false(allowance_is_current(&count, NOW - 1000 * 86400LL));
    assert_false(allowance_is_current(&(struct allowance_count){0}, NOW));
}

static void test_record(void **state)
{
    (void)state;
    struct allowance_record record = {.account = SLICE("user@example.org"), .written = 5}, back;
    struct buffer out;
    slice payload;
    unsigned kind;
    buffer_init(&out, 1 << 16);
    for (int slot = 0; slot < 40; slot++) /* whatever is in the windows */
        allowance_add(&count, slot % 3, slot, NOW + slot * 1000);
    count.alerted = count.hour.newest;
    record.count = count;
    allowance_record_write(&out, 3, &record);
    struct frame_scan scan = {
        .window = buffer_slice(&out), .salt = 3, .kind_last = ALLOWANCE_KIND_LAST, .last = true};
    assert_int_equal(frame_scan_next(&scan, &kind, &payload), FRAME_SCAN_RECORD);
    assert_ok(allowance_record_read(payload, &back));
    assert_slice(back.account, "user@example.org");
    assert_int_equal(back.written, 5);
    assert_memory_equal(&back.count, &count, sizeof count);
    for (size_t size = 0; size < payload.size; size++)
        if (!failed(allowance_record_read(slice_sub(payload, 0, size), &back)))
            fail_msg("%zu bytes are a record", size);
    buffer_reset(&out);
    static char name[600] = "x"; /* longer than any account's */
    record.account = slice_of(name, sizeof name);
    allowance_record_write(&out, 3, &record);
    assert_int_equal(out.size, 0);
    buffer_close(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_no_limit, setup),
        cmocka_unit_test_setup(test_the_lesser_counts, setup),
        cmocka_unit_test_setup(test_window, setup),
        cmocka_unit_test_setup(test_given_back, setup),
        cmocka_unit_test_setup(test_clock_set_back, setup),
        cmocka_unit_test_setup(test_current, setup),
        cmocka_unit_test_setup(test_record, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
