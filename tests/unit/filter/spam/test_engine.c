/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "filter/spam/spam_mail.h"

#include "base/metric.h"

static void test_a_plain_mail_has_nothing_against_it(void **state)
{
    (void)state;
    struct spam_test test;
    spam_test_open(&test);
    spam_test_mail(&test, "", "",
                   "Hello Anna,\r\n\r\nsee you on Thursday at nine.\r\n\r\nBert\r\n");
    if (test.verdict.symbol_count > 0)
        spam_test_print(&test);
    assert_int_equal(test.verdict.symbol_count, 0);
    assert_true(test.verdict.score == 0);
    spam_test_close(&test);
}

static void test_scores_are_settings(void **state)
{
    (void)state;
    struct spam_test test;
    spam_test_open(&test);
    test.scores.DATE_MISSING = 3.25;
    spam_test_mail(&test, "Date", "", "Hello Anna\r\n");
    assert_non_null(spam_test_find(&test, "DATE_MISSING"));
    assert_true(test.verdict.score == 3.25);
    test.scores.DATE_MISSING = 0; /* 0 switches off */
    spam_test_mail(&test, "Date", "", "Hello Anna\r\n");
    assert_int_equal(test.verdict.symbol_count, 0);
    spam_test_close(&test);
}

static void test_groups_have_a_most(void **state)
{
    (void)state;
    struct spam_test test;
    spam_test_open(&test);
    test.caps.header = 2.0;
    spam_test_mail(&test, "Date Message-ID Subject", "", "Hello Anna\r\n");
    spam_test_expect(&test, "DATE_MISSING MESSAGE_ID_MISSING SUBJECT_MISSING");
    assert_true(test.verdict.score == 2.0);
    double sum = 0; /* what is shown adds up */
    for (unsigned i = 0; i < test.verdict.symbol_count; i++)
        sum += test.verdict.symbols[i].score;
    assert_true(sum == test.verdict.score);
    test.caps.header = 0; /* no cap */
    spam_test_mail(&test, "Date Message-ID Subject", "", "Hello Anna\r\n");
    assert_true(test.verdict.score > 3.0);
    spam_test_close(&test);
}

static void test_reasons_are_one_harmless_line(void **state)
{
    (void)state;
    struct spam_test test;
    char field[1000];
    spam_test_open(&test);
    snprintf(field, sizeof field, "Message-ID: <%0500d>\r\n", 1);
    spam_test_mail(&test, "Message-ID Date", "Date: x\ty\x80\r\n", "Hello\r\n");
    assert_slice(spam_test_find(&test, "DATE_BROKEN")->reason, "x?y?");
    spam_test_mail(&test, "Message-ID", field, "Hello\r\n");
    assert_int_equal(spam_test_find(&test, "MESSAGE_ID_BROKEN")->reason.size,
                     SPAM_SYMBOL_REASON_SIZE_MAX);
    spam_test_close(&test);
}

static void test_composites(void **state)
{
    (void)state;
    struct spam_test test;
    spam_test_open(&test);
    slice own[] = {SLICE("NO_TIME_NO_ID 4.5 DATE_MISSING & MESSAGE_ID_MISSING"),
                   SLICE("NEITHER 1 NO_TIME_NO_ID & SUBJECT_MISSING"), SLICE("TOLD 0 DATE_MISSING"),
                   SLICE("UPON_IT 2 TOLD & !SUBJECT_MISSING")};
    test.rules.composites = (struct setting_list){own, 4};
    spam_test_mail(&test, "Date Message-ID", "", "Hello\r\n");
    const struct spam_symbol *symbol = spam_test_find(&test, "NO_TIME_NO_ID");
    assert_non_null(symbol);
    assert_true(symbol->score == 4.5);
    assert_null(spam_test_find(&test, "NEITHER"));
    assert_non_null(spam_test_find(&test, "TOLD")); /* of no score: there for others */
    assert_true(spam_test_find(&test, "TOLD")->score == 0);
    assert_true(spam_test_find(&test, "UPON_IT")->score == 2);
    spam_test_mail(&test, "Date", "", "Hello\r\n");
    assert_null(spam_test_find(&test, "NO_TIME_NO_ID"));
    spam_test_close(&test);
}

static void test_mistakes_in_settings(void **state)
{
    (void)state;
    struct spam_test test;
    struct buffer problems;
    spam_test_open(&test);
    buffer_init(&problems, 4096);
    spam_engine_settings_check(&test.settings, &problems);
    assert_int_equal(problems.size, 0);
    slice own[] = {SLICE("MINE 1 DATE_MISING & SPF_FAIL"), SLICE("SPF_FAIL 1 DATE_MISSING"),
                   SLICE("TWO much DATE_MISSING"), SLICE("THREE 1 DATE_MISSING &")};
    slice lists[] = {SLICE("dnsbl.example 127.0.0.2=SPF_FAIL")};
    test.rules.composites = (struct setting_list){own, 4};
    test.lists.addresses = (struct setting_list){lists, 1};
    spam_engine_settings_check(&test.settings, &problems);
    slice text = buffer_slice(&problems);
    assert_true(slice_find(text, SLICE("did you mean DATE_MISSING?")) > 0);
    assert_true(slice_find(text, SLICE("there is such a symbol already")) > 0);
    assert_true(slice_find(text, SLICE("not a number")) > 0);
    assert_true(slice_find(text, SLICE("a symbol is missing")) > 0);
    assert_true(slice_find(text, SLICE("spam.lists.addresses: ")) > 0);
    unsigned lines = 0;
    for (size_t i = 0; i < text.size; i++)
        lines += text.data[i] == '\n';
    assert_int_equal(lines, 5);
    const struct setting *near = setting_nearest(&spam_scores_setting_table, SLICE("SPF_FIAL"));
    assert_string_equal(near->name, "SPF_FAIL");
    buffer_close(&problems);
    spam_test_close(&test);
}

/* What an operator writes may be too much: SPAM_COMPOSITES_MAX (ours among them) and DNS_LISTS_MAX
 * hold, what is beyond is named. */
static void test_settings_have_limits(void **state)
{
    (void)state;
    struct spam_test test;
    struct buffer problems;
    static slice rows[SPAM_COMPOSITES_MAX + 1];
    slice text;
    unsigned built_in = 0, lines = 0;
    spam_test_open(&test);
    buffer_init(&problems, 1 << 16);
    struct spam_tables *tables;
    assert_ok(spam_tables_create(&test.settings, &tables));
    built_in = tables->composite_count;
    spam_tables_destroy(&tables);
    assert_in_range(built_in, 1, SPAM_COMPOSITES_MAX - 1);
    for (unsigned i = 0; i < SPAM_COMPOSITES_MAX; i++)
        assert_ok(arena_format(&test.arena, &rows[i], "OWN_%u 1 DATE_MISSING", i));
    test.rules.composites = (struct setting_list){rows, SPAM_COMPOSITES_MAX - built_in};
    spam_engine_settings_check(&test.settings, &problems);
    assert_int_equal(problems.size, 0);
    spam_test_mail(&test, "Date", "", "Hello\r\n");
    assert_ok(arena_format(&test.arena, &text, "OWN_%u", SPAM_COMPOSITES_MAX - built_in - 1));
    assert_slice(test.verdict.symbols[test.verdict.symbol_count - 1].name, "OWN_120");
    test.rules.composites.count++;
    spam_engine_settings_check(&test.settings, &problems);
    assert_true(slice_find(buffer_slice(&problems), SLICE("more composites than")) > 0);

    buffer_reset(&problems);
    test.rules.composites = (struct setting_list){0};
    for (unsigned i = 0; i <= DNS_LISTS_MAX; i++)
        assert_ok(arena_format(&test.arena, &rows[i], "bl%u.test 127.0.0.2=ADDRESS_LISTED", i));
    test.lists.addresses = (struct setting_list){rows, DNS_LISTS_MAX - 1};
    slice domains[] = {SLICE("dbl.test 127.0.1.2=DOMAIN_LISTED"),
                       SLICE("dbl2.test 127.0.1.2=DOMAIN_LISTED")};
    test.lists.domains = (struct setting_list){domains, 1};
    spam_engine_settings_check(&test.settings, &problems);
    assert_int_equal(problems.size, 0);
    test.lists.domains.count++;
    spam_engine_settings_check(&test.settings, &problems);
    text = buffer_slice(&problems);
    assert_true(slice_starts(text, SLICE("spam.lists.domains: \"dbl2.test")));
    assert_true(slice_find(text, SLICE("more lists than are asked")) > 0);
    for (size_t i = 0; i < text.size; i++)
        lines += text.data[i] == '\n';
    assert_int_equal(lines, 1);
    buffer_close(&problems);
    spam_test_close(&test);
}

/* SPAM_TABLES_MEMORY_MAX: of all that the settings say. */
static void test_tables_have_a_limit(void **state)
{
    (void)state;
    enum { ROW_SIZE = 4096, ROWS = SPAM_TABLES_MEMORY_MAX / ROW_SIZE };
    static char zone[ROW_SIZE];
    static slice rows[ROWS];
    struct spam_test test;
    struct buffer problems;
    spam_test_open(&test);
    buffer_init(&problems, 8 << 20);
    memset(zone, ' ', sizeof zone);
    memcpy(zone, "BAD ", 4); /* a score of blanks: what is refused was copied before */
    for (unsigned i = 0; i < ROWS; i++)
        rows[i] = slice_of(zone, sizeof zone);
    test.lists.addresses = (struct setting_list){rows, ROWS / 2};
    struct spam_tables *tables;
    assert_ok(spam_tables_create(&test.settings, &tables));
    spam_tables_destroy(&tables);
    test.lists.addresses.count = ROWS;
    spam_engine_settings_check(&test.settings, &problems);
    assert_true(slice_find(buffer_slice(&problems), SLICE("memory")) > 0);
    buffer_close(&problems);
    spam_test_close(&test);
}

static void test_counts_and_times(void **state)
{
    (void)state;
    struct spam_test test;
    struct histogram before, after;
    spam_test_open(&test);
    const struct metric *seconds =
        metric_find(SLICE("ringmail_spam_rule_seconds"), SLICE("rule=\"date\""));
    const struct metric *found =
        metric_find(SLICE("ringmail_spam_symbols_total"), SLICE("symbol=\"DATE_MISSING\""));
    assert_non_null(seconds);
    assert_non_null(found);
    metric_histogram(seconds, &before);
    int64_t met = metric_value(found);
    spam_test_mail(&test, "Date", "", "Hello\r\n");
    metric_histogram(seconds, &after);
    assert_int_equal(after.count, before.count + 1);
    assert_int_equal(metric_value(found), met + 1);
    spam_test_close(&test);
}

static void test_is_not_asked_before_its_start(void **state)
{
    (void)state;
    struct spam_test test;
    spam_test_open(&test);
    spam_engine_stop();
    assert_error(spam_engine_judge(&test.mail, &test.arena, &test.verdict), ERROR_BUG);
    spam_test_close(&test);
}

static void test_adds_to_what_is_there(void **state)
{
    (void)state;
    struct spam_test test;
    struct spam_symbol other = {.name = SLICE("OTHER"), .score = 1.5};
    spam_test_open(&test);
    spam_test_mail(&test, "Date", "", "Hello\r\n");
    double own = test.verdict.score;
    test.verdict = (struct spam_verdict){.score = 1.5, .symbols = &other, .symbol_count = 1};
    assert_ok(spam_engine_judge(&test.mail, &test.arena, &test.verdict));
    assert_true(test.verdict.score == own + 1.5);
    assert_non_null(spam_test_find(&test, "OTHER"));
    assert_non_null(spam_test_find(&test, "DATE_MISSING"));
    spam_test_close(&test);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_plain_mail_has_nothing_against_it),
        cmocka_unit_test(test_scores_are_settings),
        cmocka_unit_test(test_groups_have_a_most),
        cmocka_unit_test(test_reasons_are_one_harmless_line),
        cmocka_unit_test(test_composites),
        cmocka_unit_test(test_mistakes_in_settings),
        cmocka_unit_test(test_settings_have_limits),
        cmocka_unit_test(test_tables_have_a_limit),
        cmocka_unit_test(test_counts_and_times),
        cmocka_unit_test(test_is_not_asked_before_its_start),
        cmocka_unit_test(test_adds_to_what_is_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
