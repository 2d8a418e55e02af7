/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "grammar.h"

#include "format/imap/limits.h"
#include "format/imap/section.h"

/* Parses, and writes what it understood. */
static void check(const char *text, enum imap_section_kind kind, uint32_t depth,
                  const char *expected)
{
    struct cursor c = over(text);
    struct imap_section section;
    assert_ok(imap_section_parse(&c, &arena, &section));
    assert_true(cursor_done(&c));
    assert_int_equal(section.kind, kind);
    assert_int_equal(section.depth, depth);
    buffer_reset(&written);
    imap_section_write(&section, &written);
    assert_true(slice_equal(buffer_slice(&written), slice_from_string(expected)));
}

static void test_sections(void **state)
{
    (void)state;
    check("[]", IMAP_SECTION_WHOLE, 0, "[]");
    check("[text]", IMAP_SECTION_TEXT, 0, "[TEXT]");
    check("[HEADER]", IMAP_SECTION_HEADER, 0, "[HEADER]");
    check("[1]", IMAP_SECTION_WHOLE, 1, "[1]");
    check("[4.2.2.1]", IMAP_SECTION_WHOLE, 4, "[4.2.2.1]");
    check("[1.mime]", IMAP_SECTION_MIME, 1, "[1.MIME]");
    check("[3.HEADER]", IMAP_SECTION_HEADER, 1, "[3.HEADER]");
    check("[HEADER.FIELDS (date \"From\")]", IMAP_SECTION_HEADER_FIELDS, 0,
          "[HEADER.FIELDS (date From)]");
    check("[2.3.header.fields.not (X-A)]", IMAP_SECTION_HEADER_FIELDS_NOT, 2,
          "[2.3.HEADER.FIELDS.NOT (X-A)]");
}

static void test_refuses(void **state)
{
    (void)state;
    static const char *const BAD[] = {"",
                                      "[",
                                      "[MIME]",
                                      "[0]",
                                      "[1.]",
                                      "[.1]",
                                      "[1..2]",
                                      "[1.0]",
                                      "[1 TEXT]",
                                      "[TEXT.1]",
                                      "[HEADER.FIELDS]",
                                      "[HEADER.FIELDS ()]",
                                      "[HEADER.FIELDS (a]",
                                      "[HEADER.FIELDS (\"a:b\")]",
                                      "[HEADER.FIELDS (\"\")]",
                                      "[TEXT",
                                      "[99999999999]"};
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
        struct cursor c = over(BAD[i]);
        struct imap_section section;
        assert_error(imap_section_parse(&c, &arena, &section), ERROR_MALFORMED);
        assert_ptr_equal(c.at, BAD[i]);
    }
}

static void test_limits(void **state)
{
    (void)state;
    struct imap_section section;
    buffer_add(&written, SLICE("[1"));
    for (int i = 1; i < IMAP_SECTION_DEPTH_MAX; i++)
        buffer_add(&written, SLICE(".1"));
    buffer_add(&written, SLICE("]"));
    struct cursor c = cursor_over(buffer_slice(&written));
    assert_ok(imap_section_parse(&c, &arena, &section));
    buffer_truncate(&written, written.size - 1);
    buffer_add(&written, SLICE(".1]"));
    c = cursor_over(buffer_slice(&written));
    assert_error(imap_section_parse(&c, &arena, &section), ERROR_LIMIT);

    buffer_reset(&written);
    buffer_add(&written, SLICE("[HEADER.FIELDS (a"));
    for (int i = 1; i < IMAP_SECTION_FIELDS_MAX; i++)
        buffer_add(&written, SLICE(" a"));
    buffer_add(&written, SLICE(")]"));
    c = cursor_over(buffer_slice(&written));
    assert_ok(imap_section_parse(&c, &arena, &section));
    buffer_truncate(&written, written.size - 2);
    buffer_add(&written, SLICE(" a)]"));
    c = cursor_over(buffer_slice(&written));
    assert_error(imap_section_parse(&c, &arena, &section), ERROR_LIMIT);
}

static void test_partial(void **state)
{
    (void)state;
    struct imap_partial partial;
    struct cursor c = over("<0.2048>");
    assert_ok(imap_partial_parse(&c, &partial));
    assert_true(partial.given);
    assert_int_equal(partial.offset, 0);
    assert_int_equal(partial.size, 2048);
    c = over(")");
    assert_ok(imap_partial_parse(&c, &partial));
    assert_false(partial.given);
    static const char *const BAD[] = {"<",    "<0>",    "<0.0>", "<0.1",
                                      "<.1>", "<-1.1>", "<1.>",  "<1.99999999999999999999>"};
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
        c = over(BAD[i]);
        assert_error(imap_partial_parse(&c, &partial), ERROR_MALFORMED);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        grammar_test(test_sections),
        grammar_test(test_refuses),
        grammar_test(test_limits),
        grammar_test(test_partial),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
