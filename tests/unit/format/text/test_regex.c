/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Expressions: what they match, their limits, and that the C library finds the same match.
 */
#include "check.h"

#include "base/buffer.h"
#include "format/text/regex.h"

#include <regex.h>
#include <stdio.h>
#include <stdlib.h>

static struct arena arena;

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, 64 << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_close(&arena);
    return 0;
}

/* "whole|group|group", "-" where it does not match; "?" is a group that took no part. */
static void assert_match(const char *pattern, const char *text, bool nocase, const char *expected)
{
    const struct regex *regex;
    struct regex_match match;
    char got[400] = "-";
    size_t size = 0;
    assert_ok(regex_compile(slice_from_string(pattern), nocase, &arena, &regex));
    assert_ok(regex_match(regex, slice_from_string(text), UINT64_MAX, &match));
    for (unsigned i = 0; match.matched && i < match.count; i++)
        size += (size_t)snprintf(got + size, sizeof got - size, "%s%.*s", i ? "|" : "",
                                 SLICE_ARG(match.groups[i].data ? match.groups[i] : SLICE("?")));
    if (strcmp(got, expected) != 0)
        fail_msg("\"%s\" in \"%s\": %s, not %s", pattern, text, got, expected);
}

static void test_matches(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *text, *expected;
    } rows[] = {
        {"", "abc", ""},
        {"b", "abc", "b"},
        {"^b", "abc", "-"},
        {"c$", "abc", "c"},
        {"^$", "", ""},
        {"a*", "aaab", "aaa"},
        {"a+b?", "caab", "aab"},
        {"a|ab|abc", "xabcd", "abc"},
        {"(a|ab)(c|bcd)(d*)", "abcd", "abcd|a|bcd|"},
        {"(a*)(b*)", "aabb", "aabb|aa|bb"},
        {"(a)|(b)", "b", "b|?|b"},
        {"x(y|)z", "xz", "xz|"},
        {"(a*)*", "aaa", "aaa|aaa"},
        {"(a*)+b", "aab", "aab|aa"},
        {"()*x", "x", "x|?"},
        {"a{2}", "aaa", "aa"},
        {"a{2,}", "aaaa", "aaaa"},
        {"a{1,2}b", "aaab", "aab"},
        {"(ab){0}c", "abc", "c|?"},
        {"(a{2}){2}", "aaaaa", "aaaa|aa"},
        {"[abc]+", "xcbay", "cba"},
        {"[^a-c]+", "abxyc", "xy"},
        {"[]a]+", "x]a]", "]a]"},
        {"[^]a]+", "]xa", "x"},
        {"[a-]+", "b-a-", "-a-"},
        {"[\\]+", "a\\b", "\\"},
        {"[[:digit:][:upper:]_]+", "ab12CD_e", "12CD_"},
        {"[[:space:]]+", "a \t\r\nb", " \t\r\n"},
        {"[[:punct:]]+", "a.,!b", ".,!"},
        {"[[:xdigit:]]{4}", "zBeEf", "BeEf"},
        {"a.c", "a\nc", "a\nc"},
        {"\\.\\*\\(\\)\\[\\{\\^\\$\\|\\\\", ".*()[{^$|\\", ".*()[{^$|\\"},
        {"a}]", "a}]", "a}]"},
        {"\\w+\\W\\s*\\S", "ab_1-  x", "ab_1-  x"},
        {"\\bcat\\b", "concat cat", "cat"},
        {"\\Bcat", "cat concat", "cat"},
        {"^.{3}$", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"},
        {"[\xc3\xa0-\xc3\xbf]", "x\xc3\xa4", "\xc3\xa4"},
        {"a.b",
         "a\xff"
         "b",
         "a\xff"
         "b"}, /* no UTF-8, but there */
        {"A", "a", "-"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_match(rows[i].pattern, rows[i].text, false, rows[i].expected);
    const struct regex *regex;
    struct regex_match match;
    assert_ok(regex_compile(SLICE("(a*)"), false, &arena, &regex));
    assert_ok(regex_match(regex, SLICE_EMPTY, UINT64_MAX, &match));
    assert_true(match.matched && match.groups[0].data && match.groups[1].data);
    assert_match("AbC", "xaBcx", true, "aBc");
    assert_match("[a-z]+", "12XyZ", true, "XyZ");
    assert_match("[^x]+", "XxaX", true, "a");
    assert_match("[[:upper:]]+", "abc", true, "abc");
}

static void test_what_is_none(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *text;
    } rows[] = {
        {"(", "a parenthesis has no end"},
        {"a)", "a ) without its ("},
        {"[a", "the expression ends too early"},
        {"[b-a]", "a range in brackets ends before it begins"},
        {"[[:nothing:]]", "no such class of characters"},
        {"[[:alpha]]", "a class of characters has no end"},
        {"[[.a.]]", "collating elements are not known"},
        {"[[=a=]]", "collating elements are not known"},
        {"*a", "there is nothing to repeat"},
        {"a|+", "there is nothing to repeat"},
        {"a{", "a number is missing in { }"},
        {"a{1", "a { has no end"},
        {"a{2,1}", "a repeat ends before it begins"},
        {"a\\", "the expression ends too early"},
        {"(a)\\1", "back-references are not known"},
        {"\\q", "no such letter behind a backslash"},
        {"\xff", "no UTF-8"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct regex *regex;
        error problem = regex_compile(slice_from_string(rows[i].pattern), false, &arena, &regex);
        assert_error(problem, ERROR_MALFORMED);
        assert_string_equal(problem.text, rows[i].text);
    }
}

/* `count` times `what`, between two others. */
static error compile_many(const char *before, const char *what, unsigned count, const char *after,
                          const struct regex **out_regex)
{
    struct buffer text;
    buffer_init(&text, 1 << 20);
    buffer_add_string(&text, before);
    for (unsigned i = 0; i < count; i++)
        buffer_add_string(&text, what);
    buffer_add_string(&text, after);
    error problem = regex_compile(buffer_slice(&text), false, &arena, out_regex);
    buffer_close(&text);
    return problem;
}

static void test_limits(void **state)
{
    (void)state;
    const struct regex *regex;
    struct regex_match match;
    assert_ok(compile_many("", "a", REGEX_PATTERN_SIZE_MAX, "", &regex));
    assert_error(compile_many("", "a", REGEX_PATTERN_SIZE_MAX + 1, "", &regex), ERROR_LIMIT);
    assert_ok(compile_many("((((((((((((((((((((", ")", REGEX_NESTING_MAX, "", &regex));
    assert_error(compile_many("(((((((((((((((((((((", ")", REGEX_NESTING_MAX + 1, "", &regex),
                 ERROR_LIMIT);
    _Static_assert(REGEX_REPEAT_MAX == 255, "as written out below");
    _Static_assert(REGEX_PROGRAM_MAX / 257 == 7, "as written out below");
    assert_ok(compile_many("a{255}", "", 0, "", &regex));
    assert_error(compile_many("a{256}", "", 0, "", &regex), ERROR_LIMIT);
    assert_ok(compile_many("(a{255}){7}", "", 0, "", &regex)); /* 7 * 257 steps */
    assert_error(compile_many("(a{255}){8}", "", 0, "", &regex), ERROR_LIMIT);
    assert_error(compile_many("(((a{99}){99}){99}){99}", "", 0, "", &regex), ERROR_LIMIT);
    assert_ok(compile_many("[", "a", REGEX_PATTERN_SIZE_MAX - 2, "]", &regex));
    assert_ok(compile_many("", "\\w", REGEX_RANGES_MAX / 4, "", &regex)); /* a-z A-Z 0-9 _ */
    assert_error(compile_many("", "\\w", REGEX_RANGES_MAX / 4 + 1, "", &regex), ERROR_LIMIT);
    /* more groups than are reported are groups all the same */
    assert_ok(compile_many("", "(.)", REGEX_GROUPS_MAX + 2, "$", &regex));
    assert_ok(regex_match(regex, SLICE("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaabcd"), UINT64_MAX, &match));
    assert_int_equal(match.count, REGEX_GROUPS_MAX + 1);
    assert_slice(match.groups[REGEX_GROUPS_MAX], "b");
}

/* What takes others forever takes program times text. */
static void test_work(void **state)
{
    (void)state;
    const struct regex *regex;
    struct regex_match match;
    struct buffer text;
    buffer_init(&text, 1 << 20);
    for (int i = 0; i < 100000; i++)
        buffer_add_byte(&text, 'a');
    assert_ok(regex_compile(SLICE("(a*)*(a|aa)*(a+)+b"), false, &arena, &regex));
    assert_ok(regex_match(regex, buffer_slice(&text), UINT64_MAX, &match));
    assert_false(match.matched);
    assert_true(match.work < text.size * 2 * 40);
    assert_error(regex_match(regex, buffer_slice(&text), match.work / 2, &match), ERROR_LIMIT);
    buffer_close(&text);
}

/* A pattern of few letters, so that much of it matches. */
static void write_pattern(struct buffer *out, unsigned depth)
{
    static const char *const atoms[] = {"a", "b", "c", ".", "[ab]", "[^a]", "a|b", "", "^", "$"};
    static const char *const repeats[] = {"", "", "", "*", "+", "?", "{2}", "{1,2}", "{0,3}"};
    unsigned pieces = 1 + (unsigned)rand() % 3;
    for (unsigned i = 0; i < pieces; i++) {
        bool group = depth > 0 && rand() % 3 == 0;
        const char *atom = atoms[rand() % 8];
        buffer_add_byte(out, '(');
        if (group)
            write_pattern(out, depth - 1);
        else
            buffer_add_string(out, rand() % 12 == 0 ? atoms[8 + rand() % 2] : atom);
        buffer_add_byte(out, ')');
        /* Theirs does not come to an end where repeats of numbers are nested. */
        buffer_add_string(out, repeats[rand() % (group ? 6 : 9)]);
        if (rand() % 8 == 0)
            buffer_add_byte(out, '|');
    }
}

static void compare(const char *pattern, const char *text)
{
    regex_t theirs;
    regmatch_t found[1];
    const struct regex *regex;
    struct regex_match match;
    assert_ok(regex_compile(slice_from_string(pattern), false, &arena, &regex));
    assert_int_equal(regcomp(&theirs, pattern, REG_EXTENDED), 0);
    bool matched = regexec(&theirs, text, 1, found, 0) == 0;
    regfree(&theirs);
    assert_ok(regex_match(regex, slice_from_string(text), UINT64_MAX, &match));
    if (match.matched != matched ||
        (matched && (match.groups[0].data - text != found[0].rm_so ||
                     (regoff_t)match.groups[0].size != found[0].rm_eo - found[0].rm_so)))
        fail_msg("\"%s\" in \"%s\": theirs %d at %d to %d", pattern, text, matched, found[0].rm_so,
                 found[0].rm_eo);
}

static void test_as_the_c_library(void **state)
{
    (void)state;
    struct buffer pattern;
    char text[12];
    buffer_init(&pattern, 1 << 16);
    srand(1);
    for (unsigned round = 0; round < 20000; round++) {
        buffer_reset(&pattern);
        write_pattern(&pattern, 2);
        buffer_add_byte(&pattern, '\0');
        if (pattern.size > REGEX_PATTERN_SIZE_MAX)
            continue;
        size_t size = (size_t)rand() % 10;
        for (size_t i = 0; i < size; i++)
            text[i] = "abc"[rand() % 3];
        text[size] = '\0';
        arena_reset(&arena);
        compare(pattern.data, text);
    }
    buffer_close(&pattern);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_matches, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_is_none, setup, teardown),
        cmocka_unit_test_setup_teardown(test_limits, setup, teardown),
        cmocka_unit_test_setup_teardown(test_work, setup, teardown),
        cmocka_unit_test_setup_teardown(test_as_the_c_library, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
