/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/setting.h"

enum durability { DURABILITY_JOURNAL, DURABILITY_FSYNC, DURABILITY_NONE };

struct example {
    bool enabled;
    uint8_t depth;
    int32_t balance;
    int64_t size_max;
    int64_t timeout;
    slice hostname;
    slice store;
    slice password;
    enum durability durability;
    struct setting_list addresses;
    const char *user;
    char separator;
    const char *hosts[3];
    double weight;
};

static const char *const durabilities[] = {"journal", "fsync", "none", NULL};
static const struct setting rows[] = {
    SETTING_FLAG(struct example, enabled, true, SETTING_RELOADABLE, "whether it is on"),
    SETTING_NUMBER(struct example, depth, 10, 1, 200, 0, "how deep"),
    SETTING_NUMBER(struct example, balance, -5, -1000, 1000, 0, "may be negative"),
    SETTING_BYTES(struct example, size_max, 50 << 20, 1024, 1LL << 40, 0, "how large"),
    SETTING_DURATION(struct example, timeout, 5 * 60 * TIME_S, TIME_S, 3600 * TIME_S, 0,
                     "how long"),
    SETTING_TEXT(struct example, hostname, "localhost", 0, "what we are called"),
    SETTING_PATH(struct example, store, "/var/vmail", SETTING_MUST_EXIST, "where mail lies"),
    SETTING_TEXT(struct example, password, "", SETTING_SECRET, "to log in"),
    SETTING_CHOICE(struct example, durability, DURABILITY_JOURNAL, durabilities, 0, "how safe"),
    SETTING_TEXT(struct example, user, "", 0, "a C string"),
    SETTING_TEXT(struct example, separator, "+", 0, "one character"),
    SETTING_STRINGS(struct example, hosts, "localhost", 0, "an array"),
    SETTING_DECIMAL(struct example, weight, -2500, -100000, 5000, 0, "a score"),
    SETTING_LIST(struct example, addresses, "[::]:25 0.0.0.0:25", 0, "where to listen"),
};
static const struct setting_table table = SETTING_TABLE("example", struct example, rows);

static error set(struct arena *arena, struct example *example, const char *name, const char *text)
{
    const struct setting *setting = setting_find(&table, slice_from_string(name));
    assert_non_null(setting);
    return setting_set(setting, slice_from_string(text), arena, example);
}

static void assert_written(const struct example *example, const char *name, const char *expected)
{
    struct buffer out;
    buffer_init(&out, 4096);
    setting_write(setting_find(&table, slice_from_string(name)), example, &out);
    buffer_add_byte(&out, '\0');
    assert_string_equal(out.data, expected);
    buffer_close(&out);
}

static void test_defaults(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    struct example example;
    assert_false(failed(settings_default(&table, &arena, &example)));
    assert_true(example.enabled);
    assert_int_equal(example.depth, 10);
    assert_int_equal(example.balance, -5);
    assert_int_equal(example.size_max, 50 << 20);
    assert_true(slice_equal(example.hostname, SLICE("localhost")));
    assert_int_equal(example.addresses.count, 2);
    assert_true(slice_equal(example.addresses.items[1], SLICE("0.0.0.0:25")));
    assert_written(&example, "balance", "-5");
    assert_written(&example, "size_max", "50M");
    assert_written(&example, "timeout", "5m");
    assert_written(&example, "durability", "journal");
    assert_written(&example, "addresses", "[\"[::]:25\", \"0.0.0.0:25\"]");
    arena_close(&arena);
}

static void test_values_as_people_write_them(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    struct example example;
    assert_false(failed(settings_default(&table, &arena, &example)));
    assert_false(failed(set(&arena, &example, "enabled", "No")));
    assert_false(example.enabled);
    static const struct {
        const char *text;
        int64_t bytes;
    } sizes[] = {
        {"2048", 2048}, {"64k", 65536}, {"64 KiB", 65536}, {"3MB", 3 << 20}, {"1G", 1 << 30}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        assert_false(failed(set(&arena, &example, "size_max", sizes[i].text)));
        assert_int_equal(example.size_max, sizes[i].bytes);
    }
    assert_false(failed(set(&arena, &example, "timeout", "1500ms")));
    assert_int_equal(example.timeout, 1500 * TIME_MS);
    assert_written(&example, "timeout", "1500ms");
    assert_false(failed(set(&arena, &example, "timeout", "90")));
    assert_int_equal(example.timeout, 90 * TIME_S);
    assert_false(failed(set(&arena, &example, "depth", "200")));
    assert_int_equal(example.depth, 200);
    assert_false(failed(set(&arena, &example, "durability", "none")));
    assert_int_equal(example.durability, DURABILITY_NONE);
    assert_false(failed(set(&arena, &example, "password", "hunter2")));
    assert_written(&example, "password", "\"***\"");
    assert_false(failed(set(&arena, &example, "hostname", "a\"b")));
    assert_written(&example, "hostname", "\"a\\\"b\"");
    arena_close(&arena);
}

static void test_refusals_leave_the_field(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    struct example example;
    assert_false(failed(settings_default(&table, &arena, &example)));
    static const struct {
        const char *name, *text;
        enum error_kind kind;
    } bad[] = {
        {"enabled", "perhaps", ERROR_MALFORMED}, {"depth", "0", ERROR_LIMIT},
        {"depth", "201", ERROR_LIMIT},           {"depth", "10k", ERROR_MALFORMED},
        {"depth", "", ERROR_MALFORMED},          {"size_max", "1", ERROR_LIMIT},
        {"size_max", "9000000T", ERROR_LIMIT},   {"timeout", "5 fortnights", ERROR_MALFORMED},
        {"timeout", "2h", ERROR_LIMIT},          {"durability", "maybe", ERROR_MALFORMED},
        {"balance", "-1001", ERROR_LIMIT},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(set(&arena, &example, bad[i].name, bad[i].text).kind, bad[i].kind);
    assert_int_equal(example.depth, 10);
    assert_int_equal(example.size_max, 50 << 20);
    slice many[SETTING_LIST_COUNT_MAX + 1];
    for (size_t i = 0; i <= SETTING_LIST_COUNT_MAX; i++)
        many[i] = SLICE("x");
    const struct setting *list = setting_find(&table, SLICE("addresses"));
    assert_int_equal(
        setting_set_list(list, many, SETTING_LIST_COUNT_MAX + 1, &arena, &example).kind,
        ERROR_LIMIT);
    assert_false(failed(setting_set_list(list, many, SETTING_LIST_COUNT_MAX, &arena, &example)));
    static char long_text[SETTING_TEXT_SIZE_MAX + 2];
    memset(long_text, 'x', SETTING_TEXT_SIZE_MAX + 1);
    assert_int_equal(set(&arena, &example, "hostname", long_text).kind, ERROR_LIMIT);
    long_text[SETTING_TEXT_SIZE_MAX] = '\0';
    assert_false(failed(set(&arena, &example, "hostname", long_text)));
    arena_close(&arena);
}

static void test_strings_for_system_calls(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    struct example example;
    assert_false(failed(settings_default(&table, &arena, &example)));
    assert_null(example.user);
    assert_int_equal(example.separator, '+');
    assert_string_equal(example.hosts[0], "localhost");
    assert_null(example.hosts[1]);
    assert_written(&example, "hosts", "[\"localhost\"]");
    assert_false(failed(set(&arena, &example, "user", "vmail")));
    assert_string_equal(example.user, "vmail");
    assert_written(&example, "user", "\"vmail\"");
    assert_false(failed(set(&arena, &example, "separator", "")));
    assert_int_equal(example.separator, '\0');
    assert_int_equal(set(&arena, &example, "separator", "ab").kind, ERROR_LIMIT);
    const struct setting *hosts = setting_find(&table, SLICE("hosts"));
    const slice four[] = {SLICE("a"), SLICE("b"), SLICE("c"), SLICE("d")};
    assert_int_equal(setting_set_list(hosts, four, 4, &arena, &example).kind, ERROR_LIMIT);
    assert_false(failed(setting_set_list(hosts, four, 3, &arena, &example)));
    assert_written(&example, "hosts", "[\"a\", \"b\", \"c\"]");
    arena_close(&arena);
}

static void test_decimals(void **state)
{
    (void)state;
    struct arena arena;
    struct example example;
    arena_init(&arena, 65536);
    assert_false(failed(settings_default(&table, &arena, &example)));
    assert_true(example.weight == -2.5);
    assert_written(&example, "weight", "-2.5");
    static const char *const right[] = {"3", "-0.125", "0", "4.07", "5", "-100.0"};
    static const char *const written[] = {"3", "-0.125", "0", "4.07", "5", "-100"};
    for (size_t i = 0; i < sizeof right / sizeof *right; i++) {
        assert_false(failed(set(&arena, &example, "weight", right[i])));
        assert_written(&example, "weight", written[i]);
    }
    static const char *const wrong[] = {"",    "x",     "1.",   "1.2345", ".5",
                                        "1,5", "5.001", "-101", "1.-5"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_true(failed(set(&arena, &example, "weight", wrong[i])));
    assert_true(example.weight == -100);
    arena_close(&arena);
}

static void test_nearest_name(void **state)
{
    (void)state;
    assert_string_equal(setting_nearest(&table, SLICE("hostnam"))->name, "hostname");
    assert_string_equal(setting_nearest(&table, SLICE("sizemax"))->name, "size_max");
    assert_string_equal(setting_nearest(&table, SLICE("adresses"))->name, "addresses");
    assert_null(setting_nearest(&table, SLICE("zzzzzzzzzz")));
    assert_null(setting_nearest(&table, SLICE("")));
}

static void test_expectations(void **state)
{
    (void)state;
    struct buffer out;
    buffer_init(&out, 4096);
    setting_expectation(setting_find(&table, SLICE("timeout")), &out);
    assert_true(slice_equal(buffer_slice(&out), SLICE("a duration from 1s to 1h")));
    buffer_reset(&out);
    setting_expectation(setting_find(&table, SLICE("durability")), &out);
    assert_true(slice_equal(buffer_slice(&out), SLICE("one of: journal, fsync, none")));
    buffer_close(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_values_as_people_write_them),
        cmocka_unit_test(test_refusals_leave_the_field),
        cmocka_unit_test(test_strings_for_system_calls),
        cmocka_unit_test(test_decimals),
        cmocka_unit_test(test_nearest_name),
        cmocka_unit_test(test_expectations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
