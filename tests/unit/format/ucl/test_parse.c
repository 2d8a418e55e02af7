/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "format/ucl/parse.h"

/* Entries as "line path=value" or "line path=[a|b]", one a line. */
static void assert_parsed(const char *text, const char *expected)
{
    struct arena arena;
    arena_init(&arena, 4 << 20);
    struct ucl_entry *entries = NULL;
    struct ucl_problem problem;
    assert_false(failed(ucl_parse(slice_from_string(text), &arena, &entries, &problem)));
    struct buffer out;
    buffer_init(&out, 1 << 16);
    for (const struct ucl_entry *entry = entries; entry; entry = entry->next) {
        buffer_format(&out, "%u %.*s=%s", entry->line, SLICE_ARG(entry->path),
                      entry->is_list ? "[" : "");
        for (size_t i = 0; i < entry->count; i++)
            buffer_format(&out, "%s%.*s", i ? "|" : "", SLICE_ARG(entry->values[i]));
        buffer_add_string(&out, entry->is_list ? "]\n" : "\n");
    }
    buffer_add_byte(&out, '\0');
    assert_string_equal(out.data, expected);
    buffer_close(&out);
    arena_close(&arena);
}

static void test_as_people_write(void **state)
{
    (void)state;
    assert_parsed("", "");
    assert_parsed("# nothing\n\n/* at\nall */\n", "");
    assert_parsed("a = 1\nb: 2;c 3\n", "1 a=1\n2 b=2\n2 c=3\n");
    assert_parsed("smtp {\n  size_max = 50M; # comment\n  name \"mx.example.org\"\n}\n",
                  "2 smtp.size_max=50M\n3 smtp.name=mx.example.org\n");
    assert_parsed("listen { smtp = [\"0.0.0.0:25\",\n '[::]:25' ] ; x=[] }",
                  "1 listen.smtp=[0.0.0.0:25|[::]:25]\n2 listen.x=[]\n");
    assert_parsed("a b \"c\" { d = e }", "1 a.b.c.d=e\n");
    assert_parsed("a.b.c = two words # and a comment\n", "1 a.b.c=two words\n");
    assert_parsed("password = se#cret\n", "1 password=se#cret\n");
    assert_parsed("a = \"q\\\"\\\\\\n\\u00e9\" \n", "1 a=q\"\\\n\xc3\xa9\n");
    assert_parsed("a = '\\n'\n", "1 a=\\n\n");
    assert_parsed("empty = \"\"\n", "1 empty=\n");
    assert_parsed("a\t=\r\n  1\r\nb = 2\r\n", "1 a=1\n3 b=2\n");
    assert_parsed("a {} b {\n}\nc = 1", "3 c=1\n");
    assert_parsed("\xef\xbb\xbfq = url://x/y\n", "1 q=url://x/y\n");
}

static void test_json(void **state)
{
    (void)state;
    assert_parsed("{\"a\": {\"b\": [1, \"two\", true],\n\"c\": \"x\"}, \"d\": -5}\n",
                  "1 a.b=[1|two|true]\n2 a.c=x\n2 d=-5\n");
}

static void test_mistakes_have_lines(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        unsigned line;
    } bad[] = {
        {"a {\n b = 1\n", 3},
        {"}\n", 1},
        {"a = 1\n\n}", 3},
        {"a = \"x\nb = 2", 1},
        {"a\nb = 1", 1},
        {"a = [1,\n2\n", 3},
        {"a = [{b = 1}]", 1},
        {"/* x\ny", 2},
        {"a = \"x\" y\n", 1},
        {"a = \"\\uzzzz\"", 1},
        {"a = \"\\u0000\"", 1},
        {"= 1", 1},
        {"{\"a\": 1} x", 1},
        {"a = x{\n", 1},
        {"a =", 1},
        {"a = \"\\", 1},
        {"\"\" = 1", 1},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct arena arena;
        arena_init(&arena, 1 << 20);
        struct ucl_entry *entries = NULL;
        struct ucl_problem problem = {0};
        error e = ucl_parse(slice_from_string(bad[i].text), &arena, &entries, &problem);
        assert_int_equal(e.kind, ERROR_MALFORMED);
        assert_int_equal(problem.line, bad[i].line);
        assert_null(entries);
        arena_close(&arena);
    }
}

static enum error_kind kind_of(const struct buffer *text)
{
    struct arena arena;
    arena_init(&arena, 16 << 20);
    struct ucl_entry *entries = NULL;
    struct ucl_problem problem;
    enum error_kind kind = ucl_parse(buffer_slice(text), &arena, &entries, &problem).kind;
    arena_close(&arena);
    return kind;
}

static void test_limits(void **state)
{
    (void)state;
    struct buffer text;
    buffer_init(&text, 4 << 20);

    for (int extra = 0; extra <= 1; extra++) {
        buffer_reset(&text);
        for (int i = 0; i < UCL_DEPTH_MAX + extra; i++)
            buffer_add_string(&text, "a{");
        for (int i = 0; i < UCL_DEPTH_MAX + extra; i++)
            buffer_add_string(&text, "}");
        assert_int_equal(kind_of(&text), extra ? ERROR_LIMIT : ERROR_NONE);

        buffer_reset(&text);
        for (int i = 0; i < UCL_ENTRIES_MAX + extra; i++)
            buffer_add_string(&text, "a=1;");
        assert_int_equal(kind_of(&text), extra ? ERROR_LIMIT : ERROR_NONE);

        buffer_reset(&text);
        buffer_add_string(&text, "a=[");
        for (int i = 0; i < UCL_ITEMS_MAX + extra; i++)
            buffer_add_string(&text, "1,");
        buffer_add_string(&text, "]");
        assert_int_equal(kind_of(&text), extra ? ERROR_LIMIT : ERROR_NONE);

        buffer_reset(&text);
        for (int i = 0; i < UCL_PATH_SIZE_MAX + extra; i++)
            buffer_add_string(&text, "x");
        buffer_add_string(&text, "=1");
        assert_int_equal(kind_of(&text), extra ? ERROR_LIMIT : ERROR_NONE);

        buffer_reset(&text);
        buffer_add_string(&text, "#");
        while (text.size < (size_t)(UCL_TEXT_SIZE_MAX + extra))
            buffer_add_byte(&text, 'x');
        assert_int_equal(kind_of(&text), extra ? ERROR_LIMIT : ERROR_NONE);
    }
    buffer_close(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_as_people_write),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_mistakes_have_lines),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
