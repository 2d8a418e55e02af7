/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/map.h"

#include <stdio.h>

static void test_keeps_what_was_put(void **state)
{
    (void)state;
    static char keys[5000][8];
    struct map map;
    map_init(&map);
    for (int i = 0; i < 5000; i++) {
        int size = snprintf(keys[i], sizeof keys[i], "%d", i);
        assert_false(failed(map_put(&map, slice_of(keys[i], (size_t)size), keys[i])));
    }
    for (int i = 0; i < 5000; i += 2)
        assert_ptr_equal(map_remove(&map, slice_from_string(keys[i])), keys[i]);
    assert_int_equal(map.count, 2500);
    for (int i = 0; i < 5000; i++)
        assert_ptr_equal(map_get(&map, slice_from_string(keys[i])), i % 2 ? keys[i] : NULL);
    size_t position = 0, seen = 0;
    slice key;
    void *value;
    while (map_next(&map, &position, &key, &value))
        seen++;
    assert_int_equal(seen, 2500);
    map_close(&map);
}

static void test_survives_churn_without_growing(void **state)
{
    (void)state;
    struct map map;
    map_init(&map);
    char key[16];
    for (int i = 0; i < 100000; i++) {
        int size = snprintf(key, sizeof key, "k%d", i);
        assert_false(failed(map_put(&map, slice_of(key, (size_t)size), key)));
        assert_ptr_equal(map_remove(&map, slice_of(key, (size_t)size)), key);
    }
    assert_int_equal(map.count, 0);
    assert_true(map.capacity <= 64);
    map_close(&map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keeps_what_was_put),
        cmocka_unit_test(test_survives_churn_without_growing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
