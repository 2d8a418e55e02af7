/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "grammar.h"

#include "format/imap/fetch.h"
#include "format/imap/limits.h"

enum {
    FAST = IMAP_FETCH_FLAGS | IMAP_FETCH_INTERNALDATE | IMAP_FETCH_SIZE,
};

static struct imap_fetch parse(const char *text)
{
    struct cursor c = over(text);
    struct imap_fetch fetch;
    assert_ok(imap_fetch_parse(&c, &arena, &fetch));
    assert_true(cursor_done(&c));
    return fetch;
}

static void test_items(void **state)
{
    (void)state;
    assert_int_equal(parse(" 1 FAST").items, FAST);
    assert_int_equal(parse(" 1 all").items, FAST | IMAP_FETCH_ENVELOPE);
    assert_int_equal(parse(" 1 FULL").items, FAST | IMAP_FETCH_ENVELOPE | IMAP_FETCH_BODY);
    assert_int_equal(parse(" 1 UID").items, IMAP_FETCH_UID);
    assert_int_equal(parse(" 1 (BODY)").items, IMAP_FETCH_BODY);
    assert_int_equal(parse(" 1:* (uid flags RFC822.SIZE BODYSTRUCTURE body)").items,
                     IMAP_FETCH_UID | IMAP_FETCH_FLAGS | IMAP_FETCH_SIZE |
                         IMAP_FETCH_BODYSTRUCTURE | IMAP_FETCH_BODY);
}

static void test_bodies(void **state)
{
    (void)state;
    struct imap_fetch fetch =
        parse(" 2 (BODY[] BODY.PEEK[1.2.TEXT]<5.10> RFC822 RFC822.HEADER rfc822.text "
              "BODY.PEEK[HEADER.FIELDS (A B)] UID)");
    static const struct {
        const char *name;
        bool peek;
    } EXPECTED[] = {
        {"BODY[]", false},       {"BODY[1.2.TEXT]<5>", true}, {"RFC822", false},
        {"RFC822.HEADER", true}, {"RFC822.TEXT", false},      {"BODY[HEADER.FIELDS (A B)]", true},
    };
    assert_int_equal(fetch.items, IMAP_FETCH_UID);
    assert_int_equal(fetch.body_count, 6);
    for (size_t i = 0; i < 6; i++) {
        buffer_reset(&written);
        imap_fetch_body_write_name(&fetch.bodies[i], &written);
        assert_true(slice_equal(buffer_slice(&written), slice_from_string(EXPECTED[i].name)));
        assert_int_equal(fetch.bodies[i].peek, EXPECTED[i].peek);
    }
    assert_int_equal(fetch.bodies[1].partial.size, 10);
    assert_int_equal(fetch.bodies[3].section.kind, IMAP_SECTION_HEADER);
    assert_int_equal(fetch.bodies[4].section.kind, IMAP_SECTION_TEXT);
}

static void test_refuses(void **state)
{
    (void)state;
    static const char *const BAD[] = {"",         " 1",           " 1 ",           " 1 ()",
                                      " 1 (ALL)", " 1 FLAGS UID", " 1 (FLAGS",     " 1 BODY.PEEK",
                                      " 1 BODY[", " 1 XYZ",       " 1 FLAGS[]",    " x FLAGS",
                                      "1 FLAGS",  " 1 BODY[]x",   " 1 (BODY[]UID)"};
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
        struct cursor c = over(BAD[i]);
        struct imap_fetch fetch;
        assert_error(imap_fetch_parse(&c, &arena, &fetch), ERROR_MALFORMED);
        assert_ptr_equal(c.at, BAD[i]);
    }
}

static void test_body_limit(void **state)
{
    (void)state;
    buffer_add(&written, SLICE(" 1 (BODY[1]"));
    for (int i = 1; i < IMAP_FETCH_BODIES_MAX; i++)
        buffer_add(&written, SLICE(" BODY[1]"));
    buffer_add(&written, SLICE(")"));
    struct cursor c = cursor_over(buffer_slice(&written));
    struct imap_fetch fetch;
    assert_ok(imap_fetch_parse(&c, &arena, &fetch));
    assert_int_equal(fetch.body_count, IMAP_FETCH_BODIES_MAX);
    buffer_truncate(&written, written.size - 1);
    buffer_add(&written, SLICE(" BODY[1])"));
    c = cursor_over(buffer_slice(&written));
    assert_error(imap_fetch_parse(&c, &arena, &fetch), ERROR_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        grammar_test(test_items),
        grammar_test(test_bodies),
        grammar_test(test_refuses),
        grammar_test(test_body_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
