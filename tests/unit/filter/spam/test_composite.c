/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check.h"

#include "filter/spam/composite.h"

#include <limits.h>

/* A is 0, B is 1 ... H is 7. */
static unsigned find(const void *argument, slice name)
{
    (void)argument;
    return name.size == 1 && name.data[0] >= 'A' && name.data[0] <= 'H'
               ? (unsigned)(name.data[0] - 'A')
               : UINT_MAX;
}
static const struct spam_composite_names names = {find, NULL};

static bool holds(const char *expression, const char *found)
{
    struct spam_composite composite;
    slice where;
    uint64_t bits = 0;
    assert_ok(spam_composite_parse(slice_from_string(expression), &names, &composite, &where));
    for (; *found; found++)
        bits |= 1ULL << (*found - 'A');
    return spam_composite_holds(&composite, &bits);
}

static void test_operators(void **state)
{
    (void)state;
    assert_true(holds("A", "A"));
    assert_false(holds("A", "B"));
    assert_true(holds("!A", ""));
    assert_true(holds("A & B", "AB"));
    assert_false(holds("A & B", "A"));
    assert_true(holds("A | B", "B"));
    assert_true(holds("A && B || C", "C"));
    assert_true(holds("A and B or not C", ""));
    assert_true(holds("A | B & C", "A")); /* & binds closer */
    assert_false(holds("(A | B) & C", "A"));
    assert_true(holds("!(A | B) & C", "C"));
    assert_true(holds("!!A", "A"));
    assert_false(holds("!A&B", "AB"));
    assert_true(holds("((((A))))", "A"));
}

static void test_mistakes(void **state)
{
    (void)state;
    static const struct {
        const char *expression;
        enum error_kind kind;
    } rows[] = {
        {"", ERROR_MALFORMED},      {"A &", ERROR_MALFORMED}, {"& A", ERROR_MALFORMED},
        {"A B", ERROR_MALFORMED},   {"(A", ERROR_MALFORMED},  {"A)", ERROR_MALFORMED},
        {"A | X", ERROR_NOT_FOUND}, {"not", ERROR_MALFORMED}, {"A $ B", ERROR_MALFORMED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct spam_composite composite;
        slice where;
        assert_error(
            spam_composite_parse(slice_from_string(rows[i].expression), &names, &composite, &where),
            rows[i].kind);
    }
}

static error parse_repeated(const char *part, unsigned times, const char *end)
{
    char text[1000];
    size_t size = 0;
    struct spam_composite composite;
    slice where;
    for (unsigned i = 0; i < times; i++, size += strlen(part))
        memcpy(text + size, part, strlen(part));
    memcpy(text + size, end, strlen(end));
    return spam_composite_parse(slice_of(text, size + strlen(end)), &names, &composite, &where);
}

static void test_limits(void **state)
{
    (void)state;
    /* n times "A|" and a last A: 2n + 1 steps */
    assert_ok(parse_repeated("A|", (SPAM_COMPOSITE_STEPS_MAX - 2) / 2, "A"));
    assert_error(parse_repeated("A|", SPAM_COMPOSITE_STEPS_MAX / 2, "A"), ERROR_LIMIT);
    assert_ok(parse_repeated("!", SPAM_COMPOSITE_DEPTH_MAX - 1, "A"));
    assert_error(parse_repeated("!", SPAM_COMPOSITE_DEPTH_MAX, "A"), ERROR_LIMIT);
    assert_error(parse_repeated("(", SPAM_COMPOSITE_DEPTH_MAX, "A"), ERROR_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_operators),
        cmocka_unit_test(test_mistakes),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
