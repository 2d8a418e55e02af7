/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fake.h"

#include "base/metric.h"

static const char *const domains[] = {"example.org", "other.example", NULL};
static const struct fake_row accounts[] = {
    {"alice@example.org", "old", NULL}, {"bob@other.example", "h", NULL}, {NULL, NULL, NULL}};
static const struct fake_row changed_accounts[] = {
    {"alice@example.org", "new", NULL}, {"late@example.org", "h", NULL}, {NULL, NULL, NULL}};
static const struct fake_row aliases[] = {{NULL, NULL, NULL}};

static struct directory directory;
static struct directory_settings settings;

static void set_up(void)
{
    settings = test_settings();
    fake.domains = domains;
    fake.accounts = accounts;
    fake.aliases = aliases;
    fake.quota = NULL;
    fake_directory_open(&directory, &settings);
}

/* The password of local@example.org, "-" for no account, "!" for trouble. */
static const char *password_of(const char *local)
{
    static char text[64];
    struct arena arena;
    struct directory_rows rows;
    instant asked;
    arena_init(&arena, 1 << 16);
    error result =
        directory_ask(&directory.lookup, DIRECTORY_QUERY_ACCOUNT, slice_from_string(local),
                      SLICE("example.org"), DIRECTORY_CACHED_FINE, &arena, &rows, &asked);
    if (failed(result))
        snprintf(text, sizeof text, "!");
    else if (rows.count == 0)
        snprintf(text, sizeof text, "-");
    else
        snprintf(text, sizeof text, "%.*s",
                 SLICE_ARG(rows.rows[0].columns[DIRECTORY_COLUMN_PASSWORD]));
    arena_close(&arena);
    return text;
}

IN_CORE(test_found_and_absent_have_their_lifetimes)
{
    set_up();
    settings.cache_positive = 60 * TIME_MS;
    settings.cache_negative = 20 * TIME_MS;
    assert_string_equal(password_of("alice"), "old");
    assert_string_equal(password_of("late"), "-");
    fake.accounts = changed_accounts;
    assert_string_equal(password_of("alice"), "old");
    assert_string_equal(password_of("late"), "-");
    assert_int_equal(fake.asked[DIRECTORY_QUERY_ACCOUNT], 2);
    assert_ok(fiber_sleep(30 * TIME_MS));
    assert_string_equal(password_of("alice"), "old");
    assert_string_equal(password_of("late"), "h");
    assert_ok(fiber_sleep(1600 * TIME_MS));
    assert_string_equal(password_of("alice"), "new");
    fake_directory_close(&directory);
}

IN_CORE(test_lifetime_zero_is_no_cache)
{
    set_up();
    settings.cache_positive = settings.cache_negative = 0;
    for (int i = 0; i < 3; i++) {
        assert_string_equal(password_of("alice"), "old");
        assert_string_equal(password_of("late"), "-");
    }
    assert_int_equal(fake.asked[DIRECTORY_QUERY_ACCOUNT], 6);
    fake_directory_close(&directory);
}

static unsigned right_answers;

static void ask_and_count(void *argument)
{
    right_answers += strcmp(password_of("alice"), argument) == 0;
}

IN_CORE(test_identical_questions_are_one)
{
    enum { ASKERS = 50 };
    struct crew crew;
    set_up();
    fake.delay = 20 * TIME_MS;
    right_answers = 0;
    crew_init(&crew, NULL);
    for (int i = 0; i < ASKERS; i++)
        assert_ok(fiber_start(&crew, "asker", ask_and_count, "old"));
    assert_ok(crew_join(&crew, TIME_NEVER));
    assert_int_equal(right_answers, ASKERS);
    assert_int_equal(fake.asked[DIRECTORY_QUERY_ACCOUNT], 1);
    /* Trouble is shared as well, and not remembered. */
    directory_forget_all(&directory.lookup);
    fake.failure = error_make(ERROR_TEMPORARY, "away");
    right_answers = 0;
    for (int i = 0; i < ASKERS; i++)
        assert_ok(fiber_start(&crew, "asker", ask_and_count, "!"));
    assert_ok(crew_join(&crew, TIME_NEVER));
    assert_int_equal(right_answers, ASKERS);
    assert_int_equal(fake.asked[DIRECTORY_QUERY_ACCOUNT], 2);
    fake.failure = OK;
    assert_string_equal(password_of("alice"), "old");
    crew_close(&crew);
    fake_directory_close(&directory);
}

IN_CORE(test_waiters_outlive_a_cancelled_asker)
{
    struct crew doomed, crew;
    set_up();
    fake.delay = 500 * TIME_MS;
    right_answers = 0;
    crew_init(&doomed, NULL);
    crew_init(&crew, NULL);
    assert_ok(fiber_start(&doomed, "doomed", ask_and_count, "old"));
    assert_ok(fiber_sleep(5 * TIME_MS));
    for (int i = 0; i < 5; i++)
        assert_ok(fiber_start(&crew, "asker", ask_and_count, "old"));
    assert_ok(fiber_sleep(5 * TIME_MS));
    crew_close(&doomed);
    assert_int_equal(right_answers, 0);
    assert_ok(crew_join(&crew, TIME_NEVER));
    assert_int_equal(right_answers, 5);
    assert_int_equal(fake.asked[DIRECTORY_QUERY_ACCOUNT], 2);
    crew_close(&crew);
    fake_directory_close(&directory);
}

/* What was asked before an invalidation must not be remembered after it. */
IN_CORE(test_invalidation_reaches_questions_under_way)
{
    struct crew crew;
    set_up();
    fake.delay = 300 * TIME_MS;
    crew_init(&crew, NULL);
    for (int way = 0; way < 3; way++) {
        fake.accounts = accounts;
        directory_forget_all(&directory.lookup);
        right_answers = 0;
        assert_ok(fiber_start(&crew, "asker", ask_and_count, "old"));
        assert_ok(fiber_sleep(5 * TIME_MS));
        fake.accounts = changed_accounts;
        static const char *const subjects[] = {"alice@example.org", "@example.org", ""};
        directory_invalidate(&directory, slice_from_string(subjects[way]));
        assert_string_equal(password_of("alice"), "new"); /* does not join the old question */
        assert_ok(crew_join(&crew, TIME_NEVER));
        assert_string_equal(password_of("alice"), "new");
    }
    crew_close(&crew);
    fake_directory_close(&directory);
}

IN_CORE(test_invalidation_is_as_wide_as_asked)
{
    struct arena arena;
    struct directory_account account;
    static const struct {
        const char *subject;
        bool alice, bob; /* asked anew? */
    } cases[] = {{"alice@example.org", true, false},   {"ALICE@Example.Org", true, false},
                 {"alice+x@example.org", true, false}, {"bob@example.org", false, false},
                 {"@example.org", true, false},        {"example.org", true, false},
                 {"other.example", false, true},       {"", true, true},
                 {"not a domain", false, false}};
    set_up();
    arena_init(&arena, 1 << 20);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (int round = 0; round < 2; round++) {
            memset(fake.asked, 0, sizeof fake.asked);
            assert_ok(directory_account(&directory, SLICE("alice@example.org"), &arena, &account));
            if (round)
                assert_int_equal(fake.asked[DIRECTORY_QUERY_ACCOUNT], cases[i].alice);
            memset(fake.asked, 0, sizeof fake.asked);
            assert_ok(directory_account(&directory, SLICE("bob@other.example"), &arena, &account));
            if (round)
                assert_int_equal(fake.asked[DIRECTORY_QUERY_ACCOUNT], cases[i].bob);
            else
                directory_invalidate(&directory, slice_from_string(cases[i].subject));
        }
        arena_reset(&arena);
    }
    arena_close(&arena);
    fake_directory_close(&directory);
}

IN_CORE(test_stale_rows_serve_while_the_database_is_away)
{
    set_up();
    settings.cache_positive = settings.cache_negative = 5 * TIME_MS;
    settings.cache_stale = 1500 * TIME_MS;
    assert_string_equal(password_of("alice"), "old");
    assert_string_equal(password_of("late"), "-");
    assert_ok(fiber_sleep(10 * TIME_MS));
    fake.failure = error_make(ERROR_TEMPORARY, "away");
    assert_string_equal(password_of("alice"), "old");
    assert_string_equal(password_of("late"), "!"); /* an absence is not served stale */
    assert_ok(fiber_sleep(1600 * TIME_MS));
    assert_string_equal(password_of("alice"), "!");
    fake_directory_close(&directory);
}

/* Guessing names must not push out those that exist, and neither list grows past its bound. */
IN_CORE(test_cache_is_bounded)
{
    char name[32];
    set_up();
    directory_lookup_close(&directory.lookup);
    settings.cache_entries = 16;
    directory_lookup_init(&directory.lookup, &settings, &fake_class, NULL);
    assert_string_equal(password_of("alice"), "old");
    for (int i = 0; i < 1000; i++) {
        snprintf(name, sizeof name, "guess%d", i);
        assert_string_equal(password_of(name), "-");
    }
    assert_int_equal(directory.lookup.cache.absent_count, 16);
    assert_int_equal(directory.lookup.cache.found_count, 1);
    memset(fake.asked, 0, sizeof fake.asked);
    assert_string_equal(password_of("alice"), "old");
    assert_string_equal(password_of("guess999"), "-");
    assert_int_equal(fake.asked[DIRECTORY_QUERY_ACCOUNT], 0);
    assert_string_equal(password_of("guess1"), "-");
    assert_int_equal(fake.asked[DIRECTORY_QUERY_ACCOUNT], 1);
    fake_directory_close(&directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_found_and_absent_have_their_lifetimes),
        cmocka_unit_test(test_lifetime_zero_is_no_cache),
        cmocka_unit_test(test_identical_questions_are_one),
        cmocka_unit_test(test_waiters_outlive_a_cancelled_asker),
        cmocka_unit_test(test_invalidation_reaches_questions_under_way),
        cmocka_unit_test(test_invalidation_is_as_wide_as_asked),
        cmocka_unit_test(test_stale_rows_serve_while_the_database_is_away),
        cmocka_unit_test(test_cache_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
