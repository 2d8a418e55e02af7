/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check.h"

#include "data/directory/backend.h"

static void test_variables_become_parameters(void **state)
{
    (void)state;
    static const struct {
        const char *text, *sql, *parameters; /* k, a, l, d */
    } cases[] = {
        {"SELECT 1 FROM t WHERE a = ?", "SELECT 1 FROM t WHERE a = ?", "k"},
        {"a = %u AND b = %n AND c = %d AND d = ?", "a = ? AND b = ? AND c = ? AND d = ?", "aldk"},
        {"a = '%u' AND b='%d'", "a = ? AND b=?", "ad"},
        {"a = '%s'", "a = ?", "a"}, /* as Postfix writes it */
        {"a LIKE '%x' AND b = ?", "a LIKE '%x' AND b = ?", "k"},
        {"a = '? %u' AND `c?` = %n AND \"?\" = 1", "a = '? %u' AND `c?` = ? AND \"?\" = 1", "l"},
        {"a = 'it''s ?' AND b = ?", "a = 'it''s ?' AND b = ?", "k"},
        {"a % 2 = ?", "a % 2 = ?", "k"},
    };
    static const char letters[] = "kald";
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct directory_statement statement;
        struct arena arena;
        arena_init(&arena, 1 << 16);
        assert_ok(
            directory_statement_compile(slice_from_string(cases[i].text), &arena, &statement));
        assert_string_equal(statement.sql, cases[i].sql);
        assert_int_equal(statement.parameter_count, strlen(cases[i].parameters));
        for (unsigned k = 0; k < statement.parameter_count; k++)
            assert_int_equal(letters[statement.parameters[k]], cases[i].parameters[k]);
        arena_close(&arena);
    }
}

static void test_queries_that_cannot_be(void **state)
{
    (void)state;
    struct directory_statement statement;
    struct arena arena;
    arena_init(&arena, 1 << 16);
    assert_error(directory_statement_compile(SLICE("SELECT 1"), &arena, &statement),
                 ERROR_MALFORMED);
    assert_error(directory_statement_compile(SLICE("a = 'x AND b = ?"), &arena, &statement),
                 ERROR_MALFORMED);
    assert_error(directory_statement_compile(SLICE("? ? ? ? ? ? ? ? ?"), &arena, &statement),
                 ERROR_LIMIT);
    assert_ok(directory_statement_compile(SLICE("? ? ? ? ? ? ? ?"), &arena, &statement));
    arena_close(&arena);
}

static void test_columns_by_name_and_query(void **state)
{
    (void)state;
    assert_int_equal(directory_column_find(DIRECTORY_QUERY_ACCOUNT, "EMAIL"),
                     DIRECTORY_COLUMN_ADDRESS);
    assert_int_equal(directory_column_find(DIRECTORY_QUERY_ACCOUNT, "quota"),
                     DIRECTORY_COLUMN_QUOTA);
    assert_int_equal(directory_column_find(DIRECTORY_QUERY_ALIAS, "destination"),
                     DIRECTORY_COLUMN_DESTINATION);
    /* A user's display name says nothing about the address. */
    assert_int_equal(directory_column_find(DIRECTORY_QUERY_ACCOUNT, "name"), -1);
    assert_int_equal(directory_column_find(DIRECTORY_QUERY_DOMAIN, "name"),
                     DIRECTORY_COLUMN_ADDRESS);
    assert_int_equal(directory_column_find(DIRECTORY_QUERY_ALIAS, "password"), -1);
}

static void test_rows_have_a_limit(void **state)
{
    (void)state;
    struct arena arena;
    struct directory_rows rows = {0};
    arena_init(&arena, 4 << 20);
    for (unsigned i = 0; i < DIRECTORY_ROWS_MAX; i++) {
        struct directory_row *row = directory_rows_add(&rows, &arena);
        assert_non_null(row);
        row->columns[0] = slice_of("x", i);
    }
    assert_false(rows.truncated);
    assert_null(directory_rows_add(&rows, &arena));
    assert_true(rows.truncated);
    for (unsigned i = 0; i < DIRECTORY_ROWS_MAX; i++)
        assert_int_equal(rows.rows[i].columns[0].size, i);
    arena_close(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_variables_become_parameters),
        cmocka_unit_test(test_queries_that_cannot_be),
        cmocka_unit_test(test_columns_by_name_and_query),
        cmocka_unit_test(test_rows_have_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
