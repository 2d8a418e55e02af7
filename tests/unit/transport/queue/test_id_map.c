/* SPDX-License-Identifier: GPL-3.0-or-later
 * The map of ids against an array, with many collisions and removals. */
#include "check.h"

#include "base/random.h"
#include "transport/queue/id_map.h"

enum { IDS = 500, STEPS = 200000 };

static void test_against_an_array(void **state)
{
    (void)state;
    static char values[IDS];
    bool there[IDS + 1] = {0};
    struct id_map map = {0};
    size_t count = 0;
    assert_null(id_map_get(&map, 1));
    assert_null(id_map_remove(&map, 1));
    for (unsigned step = 0; step < STEPS; step++) {
        uint64_t id = 1 + random_below(IDS);
        assert_ptr_equal(id_map_get(&map, id), there[id] ? &values[id - 1] : NULL);
        if (random_below(2)) {
            assert_ok(id_map_put(&map, id, &values[id - 1]));
            count += !there[id];
            there[id] = true;
        } else {
            assert_ptr_equal(id_map_remove(&map, id), there[id] ? &values[id - 1] : NULL);
            count -= there[id];
            there[id] = false;
        }
        assert_int_equal(map.count, count);
    }
    size_t position = 0, seen = 0;
    uint64_t id;
    void *value;
    while (id_map_next(&map, &position, &id, &value)) {
        assert_true(there[id]);
        assert_ptr_equal(value, &values[id - 1]);
        seen++;
    }
    assert_int_equal(seen, count);
    id_map_close(&map);
}

static void test_reserved_puts_do_not_grow(void **state)
{
    (void)state;
    struct id_map map = {0};
    assert_ok(id_map_reserve(&map, 1000));
    const void *entries = map.entries;
    for (uint64_t id = 1; id <= 1000; id++)
        assert_ok(id_map_put(&map, id << 32, &map));
    assert_ptr_equal(map.entries, entries);
    id_map_close(&map);
    assert_null(id_map_get(&map, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_an_array),
        cmocka_unit_test(test_reserved_puts_do_not_grow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
