/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "grammar.h"

#include "format/imap/flag.h"
#include "format/imap/limits.h"
#include "format/imap/search.h"

/* The tree as text, one word a node, so that a case is a line. */
static void dump(const struct imap_search_node *node)
{
    static const char *const NAMES[] = {
        [IMAP_SEARCH_AND] = "and",
        [IMAP_SEARCH_OR] = "or",
        [IMAP_SEARCH_NOT] = "not",
        [IMAP_SEARCH_SEQUENCE] = "sequence",
        [IMAP_SEARCH_UID] = "uid",
        [IMAP_SEARCH_FLAG] = "flag",
        [IMAP_SEARCH_KEYWORD] = "keyword",
        [IMAP_SEARCH_LARGER] = "larger",
        [IMAP_SEARCH_SMALLER] = "smaller",
        [IMAP_SEARCH_BEFORE] = "before",
        [IMAP_SEARCH_ON] = "on",
        [IMAP_SEARCH_SINCE] = "since",
        [IMAP_SEARCH_SENT_BEFORE] = "sentbefore",
        [IMAP_SEARCH_SENT_ON] = "senton",
        [IMAP_SEARCH_SENT_SINCE] = "sentsince",
        [IMAP_SEARCH_OLDER] = "older",
        [IMAP_SEARCH_YOUNGER] = "younger",
        [IMAP_SEARCH_HEADER] = "header",
        [IMAP_SEARCH_BODY] = "body",
        [IMAP_SEARCH_TEXT] = "text",
    };
    buffer_add_string(&written, NAMES[node->kind]);
    if (node->kind == IMAP_SEARCH_FLAG)
        buffer_format(&written, "%c%u", node->wanted ? '+' : '-', node->flag);
    if (node->kind == IMAP_SEARCH_KEYWORD)
        buffer_add_byte(&written, node->wanted ? '+' : '-');
    if (node->number)
        buffer_format(&written, "=%llu", (unsigned long long)node->number);
    if (node->field.size)
        buffer_format(&written, ":%.*s", SLICE_ARG(node->field));
    if (node->text.data)
        buffer_format(&written, "'%.*s'", SLICE_ARG(node->text));
    if (node->set.count) {
        buffer_add_byte(&written, '=');
        imap_set_write(&node->set, &written);
    }
    if (!node->children)
        return;
    buffer_add_byte(&written, '(');
    for (const struct imap_search_node *child = node->children; child; child = child->next) {
        if (child != node->children)
            buffer_add_byte(&written, ' ');
        dump(child);
    }
    buffer_add_byte(&written, ')');
}

static void check(const char *text, const char *expected)
{
    struct cursor c = over(text);
    struct imap_search search;
    assert_ok(imap_search_parse(&c, &arena, &search));
    assert_true(cursor_done(&c));
    assert_false(search.bad_charset);
    buffer_reset(&written);
    dump(search.root);
    assert_true(slice_equal(buffer_slice(&written), slice_from_string(expected)));
}

static void test_keys(void **state)
{
    (void)state;
    check(" ALL", "and(and)");
    check(" answered", "and(flag+2)");
    check(" UNANSWERED UNDELETED UNDRAFT UNFLAGGED UNSEEN",
          "and(flag-2 flag-8 flag-16 flag-4 flag-1)");
    check(" DELETED DRAFT FLAGGED SEEN RECENT OLD",
          "and(flag+8 flag+16 flag+4 flag+1 flag+32 flag-32)");
    check(" NEW", "and(and(flag-1 flag+32))");
    check(" KEYWORD $x UNKEYWORD y", "and(keyword+'$x' keyword-'y')");
    check(" LARGER 4096 SMALLER 5", "and(larger=4096 smaller=5)");
    check(" BEFORE 2-Jan-1970 ON \"3-Jan-1970\" SINCE 4-Jan-1970", "and(before=1 on=2 since=3)");
    check(" SENTBEFORE 2-Jan-1970 SENTON 3-Jan-1970 SENTSINCE 4-Jan-1970",
          "and(sentbefore=1 senton=2 sentsince=3)");
    check(" OLDER 60 YOUNGER 3600", "and(older=60 younger=3600)");
    check(" FROM a TO \"b c\" CC {1}\r\nd BCC e SUBJECT \"\"",
          "and(header:FROM'a' header:TO'b c' header:CC'd' header:BCC'e' header:SUBJECT'')");
    check(" HEADER Message-ID <x@y> BODY text TEXT body",
          "and(header:Message-ID'<x@y>' body'text' text'body')");
    check(" UID 5:7 2,4:3", "and(uid=5:7 sequence=2,4:3)");
    check(" 1:3 UID 9", "and(sequence=1:3 uid=9)");
}

static void test_structure(void **state)
{
    (void)state;
    /* RFC 3501 6.4.4 */
    check(" FLAGGED SINCE 1-Feb-1994 NOT FROM \"Smith\"",
          "and(flag+4 since=8797 not(header:FROM'Smith'))");
    check(" OR SEEN (DRAFT NOT 1:2) ALL", "and(or(flag+1 and(flag+16 not(sequence=1:2))) and)");
    check(" NOT NOT ALL", "and(not(not(and)))");
    check(" ((ALL))", "and(and(and(and)))");
    check(" OR OR 1 2 3", "and(or(or(sequence=1 sequence=2) sequence=3))");
}

static void test_charset(void **state)
{
    (void)state;
    check(" CHARSET UTF-8 TEXT {2}\r\n\xc3\xbc", "and(text'\xc3\xbc')");
    check(" charset \"us-ascii\" ALL", "and(and)");
    struct cursor c = over(" CHARSET KOI8-R TEXT {1}\r\n\xff");
    struct imap_search search;
    assert_ok(imap_search_parse(&c, &arena, &search));
    assert_true(search.bad_charset);
}

static void test_refuses(void **state)
{
    (void)state;
    static const char *const BAD[] = {"",
                                      " ",
                                      "ALL",
                                      " FOO",
                                      " NOT",
                                      " OR ALL",
                                      " OR ALL ",
                                      " (ALL",
                                      " ALL)",
                                      " ()",
                                      " ( ALL)",
                                      " ALL  ALL",
                                      " KEYWORD \"x\"",
                                      " LARGER x",
                                      " BEFORE yesterday",
                                      " SUBJECT",
                                      " HEADER a",
                                      " UID x",
                                      " CHARSET UTF-8",
                                      " TEXT {1}\r\n\xff",
                                      " OLDER 0",
                                      " 0"};
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
        struct cursor c = over(BAD[i]);
        struct imap_search search;
        assert_error(imap_search_parse(&c, &arena, &search), ERROR_MALFORMED);
        assert_ptr_equal(c.at, BAD[i]);
    }
}

static error parse_written(void)
{
    struct cursor c = cursor_over(buffer_slice(&written));
    struct imap_search search;
    return imap_search_parse(&c, &arena, &search);
}

static void test_limits(void **state)
{
    (void)state;
    buffer_add(&written, SLICE(" "));
    for (int i = 1; i < IMAP_SEARCH_DEPTH_MAX; i++)
        buffer_add(&written, SLICE("NOT "));
    buffer_add(&written, SLICE("ALL"));
    assert_ok(parse_written());
    buffer_reset(&written);
    buffer_add(&written, SLICE(" "));
    for (int i = 0; i < IMAP_SEARCH_DEPTH_MAX; i++)
        buffer_add(&written, SLICE("NOT "));
    buffer_add(&written, SLICE("ALL"));
    assert_error(parse_written(), ERROR_LIMIT);

    buffer_reset(&written);
    for (int i = 1; i < IMAP_SEARCH_KEYS_MAX; i++) /* and one for the whole */
        buffer_add(&written, SLICE(" ALL"));
    assert_ok(parse_written());
    buffer_add(&written, SLICE(" ALL"));
    assert_error(parse_written(), ERROR_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        grammar_test(test_keys),    grammar_test(test_structure), grammar_test(test_charset),
        grammar_test(test_refuses), grammar_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
