/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check.h"

#include "runtime/body.h"

static char pattern_at(size_t i)
{
    return (char)(i * 31 + i / 4099);
}

/* Through every class and into mappings, the content stays and stays aligned. */
static void test_grows_and_keeps(void **state)
{
    (void)state;
    struct body body;
    body_init(&body, 40 << 20);
    assert_null(body.data);
    char piece[7919];
    while (body.size + sizeof piece <= (size_t)9 << 20) {
        for (size_t i = 0; i < sizeof piece; i++)
            piece[i] = pattern_at(body.size + i);
        assert_ok(body_append(&body, slice_of(piece, sizeof piece)));
        assert_int_equal((uintptr_t)body.data % 4096, 0);
        assert_true(body.capacity >= body.size && body.capacity <= body.size * 2 + (1 << 18));
        assert_int_equal(body_bytes_alive(), body.capacity);
    }
    for (size_t i = 0; i < body.size; i++)
        assert_true(body.data[i] == pattern_at(i));
    assert_ok(body_append(&body, SLICE_EMPTY));
    assert_int_equal(body_slice(&body).size, body.size);
    body_close(&body);
    body_close(&body); /* harmless */
    assert_int_equal(body_bytes_alive(), 0);
    assert_ok(body_append(&body, SLICE("again")));
    assert_slice(body_slice(&body), "again");
    body_close(&body);
    body_pool_drain();
}

static void test_keeps_its_limit(void **state)
{
    (void)state;
    struct body body;
    body_init(&body, 20000);
    assert_ok(body_reserve(&body, 20000));
    memset(body.data, 'x', 20000);
    body.size = 20000;
    assert_error(body_append(&body, SLICE("y")), ERROR_LIMIT);
    assert_error(body_reserve(&body, SIZE_MAX), ERROR_LIMIT);
    assert_int_equal(body.size, 20000);
    body_close(&body);
    body_init(&body, 1000003);
    assert_ok(body_reserve(&body, 1000003));
    assert_error(body_reserve(&body, 1000004), ERROR_LIMIT);
    body_close(&body);
}

static void test_keeps_the_total(void **state)
{
    (void)state;
    body_set_bytes_max(1 << 20);
    struct body first, second;
    body_init(&first, 1 << 30);
    body_init(&second, 1 << 30);
    assert_ok(body_reserve(&first, 600 << 10));
    assert_error(body_reserve(&second, 600 << 10), ERROR_LIMIT);
    assert_null(second.data);
    assert_ok(body_reserve(&second, 200 << 10));
    body_close(&first);
    assert_ok(body_reserve(&second, 600 << 10));
    body_close(&second);
    assert_int_equal(body_bytes_alive(), 0);
    body_set_bytes_max((size_t)1 << 30);
}

static void test_pools_blocks(void **state)
{
    (void)state;
    struct body body;
    body_init(&body, 1 << 20);
    assert_ok(body_reserve(&body, 100));
    char *first = body.data;
    assert_int_equal(body.capacity, 16 << 10);
    body_close(&body);
    assert_ok(body_reserve(&body, 100));
    assert_ptr_equal(body.data, first);
    body_close(&body);
    body_pool_drain();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_grows_and_keeps),
        cmocka_unit_test(test_keeps_its_limit),
        cmocka_unit_test(test_keeps_the_total),
        cmocka_unit_test(test_pools_blocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
