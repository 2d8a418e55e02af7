/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check.h"

#include "cores.h"
#include "data/scripts/memory.h"
#include "scratch.h"

static struct scratch scratch;
static char path[200];

static bool has(const char *a, const char *b, int64_t now)
{
    const struct script_memory memory = {path};
    const slice key[] = {slice_from_string(a), slice_from_string(b)};
    bool known;
    assert_ok(script_memory_has(&memory, key, 2, now, &known));
    return known;
}

static void add(const char *a, const char *b, int64_t now, int64_t expires)
{
    const struct script_memory memory = {path};
    const slice key[] = {slice_from_string(a), slice_from_string(b)};
    assert_ok(script_memory_add(&memory, key, 2, now, expires, false));
}

static int setup(void **state)
{
    (void)state;
    scratch_make(&scratch);
    snprintf(path, sizeof path, "%s/memory", scratch.path);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    scratch_remove(&scratch);
    return 0;
}

static void test_remembers(void **state)
{
    (void)state;
    assert_false(has("a", "bc", 100));
    add("a", "bc", 100, 200);
    assert_true(has("a", "bc", 199));
    assert_false(has("a", "bc", 200));
    assert_false(has("ab", "c", 100)); /* each part is a part */
    add("a", "bc", 150, 300);
    assert_true(has("a", "bc", 299));
    add("a", "bc", 150, 160); /* what was said last counts */
    assert_false(has("a", "bc", 170));
}

static void test_damage(void **state)
{
    (void)state;
    add("a", "1", 100, 200);
    add("a", "2", 100, 200);
    FILE *file = fopen(path, "r+");
    assert_non_null(file);
    fseek(file, 3, SEEK_SET);
    fputc('!', file);
    fseek(file, 0, SEEK_END);
    fputs("cut off", file); /* a record that a full disk ended */
    fclose(file);
    assert_false(has("a", "1", 150));
    assert_true(has("a", "2", 150));
    add("a", "3", 100, 200);
    assert_true(has("a", "2", 150) && has("a", "3", 150));
}

/* Past SCRIPT_MEMORY_COUNT_MAX what would be forgotten first is. */
static void test_bounded(void **state)
{
    (void)state;
    char name[20];
    struct stat facts;
    add("old", "", 0, 50);
    for (unsigned i = 0; i < SCRIPT_MEMORY_COUNT_MAX + 10; i++) {
        snprintf(name, sizeof name, "%u", i);
        add("n", name, 100, 1000 + i);
    }
    assert_int_equal(stat(path, &facts), 0);
    assert_true(facts.st_size <= SCRIPT_MEMORY_COUNT_MAX * 32);
    assert_true(has("n", name, 500));
    assert_false(has("n", "0", 500));
    assert_false(has("old", "", 0));
}

static void synced(void *argument)
{
    (void)argument;
    const struct script_memory memory = {path};
    const slice key = SLICE("k");
    bool known;
    assert_ok(script_memory_add(&memory, &key, 1, 1, 10, true));
    assert_ok(script_memory_has(&memory, &key, 1, 1, &known));
    assert_true(known);
}

static void test_synced(void **state)
{
    (void)state;
    on_cores(1, synced);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_remembers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_damage, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bounded, setup, teardown),
        cmocka_unit_test_setup_teardown(test_synced, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
