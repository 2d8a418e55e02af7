/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "grammar.h"

#include "format/imap/id.h"
#include "format/imap/limits.h"

static void test_fields(void **state)
{
    (void)state;
    struct cursor c = over(" (\"name\" \"sodr\" \"version\" NIL)"); /* RFC 2971 3.1 */
    struct imap_id id;
    assert_ok(imap_id_parse(&c, &arena, &id));
    assert_int_equal(id.count, 2);
    assert_slice(imap_id_value(&id, SLICE("NAME")), "sodr");
    assert_null(imap_id_value(&id, SLICE("version")).data);
    c = over(" NIL");
    assert_ok(imap_id_parse(&c, &arena, &id));
    assert_int_equal(id.count, 0);
    c = over(" ()");
    assert_ok(imap_id_parse(&c, &arena, &id));
    static const char *const BAD[] = {
        "", " ", " (\"a\")", " (\"a\" b)", " (NIL \"a\")", " (\"a\" NIL", " NIL x"};
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
        c = over(BAD[i]);
        assert_error(imap_id_parse(&c, &arena, &id), ERROR_MALFORMED);
    }
}

static error parse_written(void)
{
    struct cursor c = cursor_over(buffer_slice(&written));
    struct imap_id id;
    return imap_id_parse(&c, &arena, &id);
}

static void test_limits(void **state)
{
    (void)state;
    char text[IMAP_ID_VALUE_SIZE_MAX + 1];
    memset(text, 'v', sizeof text);
    for (int over_limit = 0; over_limit < 2; over_limit++) {
        buffer_reset(&written);
        buffer_add(&written, SLICE(" (\"a\" NIL"));
        for (int i = 1; i < IMAP_ID_FIELDS_MAX + over_limit; i++)
            buffer_add(&written, SLICE(" \"a\" NIL"));
        buffer_add(&written, SLICE(")"));
        assert_error(parse_written(), over_limit ? ERROR_LIMIT : ERROR_NONE);
        buffer_reset(&written);
        buffer_format(&written, " (\"%.*s\" NIL)", IMAP_ID_NAME_SIZE_MAX + over_limit, text);
        assert_error(parse_written(), over_limit ? ERROR_LIMIT : ERROR_NONE);
        buffer_reset(&written);
        buffer_format(&written, " (\"a\" \"%.*s\")", IMAP_ID_VALUE_SIZE_MAX + over_limit, text);
        assert_error(parse_written(), over_limit ? ERROR_LIMIT : ERROR_NONE);
    }
}

static void test_write(void **state)
{
    (void)state;
    const struct imap_id_field fields[] = {{SLICE("name"), SLICE("Ringmail")},
                                           {SLICE("vendor"), SLICE_EMPTY}};
    imap_id_write(fields, 2, &written);
    assert_written("* ID (\"name\" \"Ringmail\" \"vendor\" NIL)\r\n");
    imap_id_write(NULL, 0, &written);
    assert_written("* ID NIL\r\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        grammar_test(test_fields),
        grammar_test(test_limits),
        grammar_test(test_write),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
