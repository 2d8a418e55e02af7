/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "grammar.h"

#include "base/random.h"
#include "base/time.h"
#include "format/imap/limits.h"
#include "format/imap/pattern.h"

static bool matches(const char *pattern, const char *name)
{
    struct imap_pattern compiled;
    assert_ok(imap_pattern_compile(slice_from_string(pattern), '/', &arena, &compiled));
    return imap_pattern_matches(&compiled, slice_from_string(name));
}

static void test_wildcards(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *name;
        bool match;
    } CASES[] = {
        {"", "", true},
        {"", "a", false},
        {"a", "a", true},
        {"a", "A", false},
        {"a", "ab", false},
        {"*", "", true},
        {"*", "a/b/c", true},
        {"%", "abc", true},
        {"%", "a/b", false},
        {"%/%", "a/b", true},
        {"%/%", "a/b/c", false},
        {"a/%", "a/", true},
        {"*b", "a/bbb", true},
        {"%b", "aabab", true},
        {"%b", "a/b", false},
        {"*%", "a/b", true},
        {"%*", "a/b", true},
        {"a%c*e", "abc/de", true},
        {"a%c*e", "ab/c/e", false},
        {"*a%/b", "xa/yaz/b", true},
        {"inbox", "INBOX", true},
        {"In%", "INBOX", true},
        {"inbox*", "INBOX/sub", false},
        {"INBOX*", "INBOX/sub", true},
        {"%.%", "a.b.c", true},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++)
        assert_int_equal(matches(CASES[i].pattern, CASES[i].name), CASES[i].match);
}

/* The definition, by exhaustive trial. */
static bool slow(const char *p, const char *n)
{
    if (*p == '\0')
        return *n == '\0';
    if (*p == '*' || *p == '%')
        return slow(p + 1, n) || (*n && (*p == '*' || *n != '/') && slow(p, n + 1));
    return *p == *n && slow(p + 1, n + 1);
}

static void test_agrees_with_the_definition(void **state)
{
    (void)state;
    random_seed(7);
    unsigned matched = 0;
    for (int i = 0; i < 20000; i++) {
        char pattern[9] = "", name[11] = "";
        for (uint64_t j = random_below(sizeof pattern); j; j--)
            pattern[j - 1] = "ab/*%"[random_below(5)];
        for (uint64_t j = random_below(sizeof name); j; j--)
            name[j - 1] = "ab/"[random_below(3)];
        arena_reset(&arena);
        matched += matches(pattern, name);
        assert_int_equal(matches(pattern, name), slow(pattern, name));
    }
    assert_in_range(matched, 1000, 19000);
}

static void test_long_patterns(void **state)
{
    (void)state;
    char pattern[IMAP_PATTERN_SIZE_MAX + 2], name[IMAP_MAILBOX_NAME_SIZE_MAX + 1];
    for (int i = 0; i < IMAP_PATTERN_SIZE_MAX; i++)
        pattern[i] = i % 2 ? 'a' : '*';
    memset(name, 'a', IMAP_MAILBOX_NAME_SIZE_MAX);
    name[IMAP_MAILBOX_NAME_SIZE_MAX] = pattern[IMAP_PATTERN_SIZE_MAX] = '\0';
    assert_true(matches(pattern, name));
    name[IMAP_MAILBOX_NAME_SIZE_MAX - 1] = 'b';
    assert_false(matches(pattern, name));
    /* 63, 64 and 65 literal bytes: the edges of a word */
    for (size_t size = 63; size <= 65; size++) {
        memset(name, 'a', size);
        name[size] = '\0';
        assert_true(matches(name, name));
    }
    pattern[IMAP_PATTERN_SIZE_MAX] = 'a';
    pattern[IMAP_PATTERN_SIZE_MAX + 1] = '\0';
    struct imap_pattern compiled;
    assert_error(imap_pattern_compile(slice_from_string(pattern), '/', &arena, &compiled),
                 ERROR_LIMIT);
}

/* A backtracking matcher would need the age of the universe for this one. */
static void test_no_pattern_is_slow(void **state)
{
    (void)state;
    instant start = time_now();
    char name[IMAP_MAILBOX_NAME_SIZE_MAX];
    memset(name, 'a', sizeof name);
    struct imap_pattern compiled;
    assert_ok(imap_pattern_compile(SLICE("*a%a*a%a*a%a*a%a*a%a*a%a*a%a*a%a*a%a*a%a*a%a*a%a*b"), '/',
                                   &arena, &compiled));
    for (int i = 0; i < 1000; i++)
        assert_false(imap_pattern_matches(&compiled, slice_of(name, sizeof name)));
    assert_true(time_now() - start < 10 * TIME_S);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        grammar_test(test_wildcards),
        grammar_test(test_agrees_with_the_definition),
        grammar_test(test_long_patterns),
        grammar_test(test_no_pattern_is_slow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
