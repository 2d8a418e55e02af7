/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check.h"

#include "format/json/read.h"

#include <math.h>
#include <stdio.h>

static struct arena arena;
static struct json_reader json;

static void begin(const char *text)
{
    json_read_begin(&json, slice_from_string(text), &arena);
}

static error judge(slice text)
{
    json_read_begin(&json, text, &arena);
    return json_read_end(&json);
}

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, 1 << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_close(&arena);
    return 0;
}

/* Taken whole, and passed over, by the same grammar: both are looked at. */
static void accepts(void **state)
{
    static const char *const texts[] = {
        "1",
        " 0 ",
        "-0",
        "1.5e+3",
        "1E-2",
        "123456789.0e1",
        "\"\"",
        "\"a\"",
        "true",
        "false",
        "null",
        "{}",
        "[]",
        " [ ] ",
        "{ }",
        "[1]",
        "[1,2]",
        "[ 1 , \"b\" , null ]",
        "[[],[[]],{}]",
        "{\"a\":1}",
        "{\"a\":{\"b\":[{\"c\":null}]}}",
        "{\"\":0}",
        "{\"a\":1,\"a\":2}",
        "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
        "\"\\u0041\\u00e9\\u20ac\"",
        "\"\\ud83d\\ude00\"",
        "\"\xe2\x82\xac\xf0\x9f\x98\x80\"",
        "\"\x7f\"",
        "\"\\u0000\"",
        "\r\n\t [true]\n",
        "[-1e-400]",
        "-1e9999" /* a number by its grammar; nobody asked what it is worth */,
    };
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        error problem = judge(slice_from_string(texts[i]));
        if (failed(problem))
            fail_msg("%s: %s", texts[i], problem.text);
    }
}

static void refuses(void **state)
{
    static const char *const texts[] = {
        "",
        " ",
        "nul",
        "nulll",
        "True",
        "tru",
        "falsy",
        "a",
        "'a'",
        "+1",
        "01",
        "-",
        "-a",
        "1.",
        ".5",
        "1e",
        "1e+",
        "1.e1",
        "0x1",
        "Infinity",
        "NaN",
        "--1",
        "1 2",
        "[1] x",
        "[",
        "]",
        "{",
        "}",
        "[1",
        "[1,",
        "[1,]",
        "[,1]",
        "[1 2]",
        "[1}",
        "{]",
        "{1:2}",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\" 1}",
        "{\"a\":1,}",
        "{,}",
        "{\"a\":1 \"b\":2}",
        "{a:1}",
        "\"",
        "\"a",
        "\"\\\"",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u12g4\"",
        "\"\\ud800\"",
        "\"\\udc00\"",
        "\"\\ud800\\u0041\"",
        "\"\\ud800x\"",
        "\"a\nb\"",
        "\"\t\"",
        "\"\xff\"",
        "\"\xc0\xaf\"",
        "\"\xed\xa0\x80\"",
        "\xef\xbb\xbf{}" /* RFC 8259 8.1: no byte order mark */,
        "[1]]",
        "//x\n1",
        "[1/**/]",
        "\f1",
        "\xa0"
        "1",
        "[\"a\",\n4\n,1,",
        "{\"a\":\"b\"}#",
    };
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (judge(slice_from_string(texts[i])).kind != ERROR_MALFORMED)
            fail_msg("not refused: %s", texts[i]);
    assert_error(judge(SLICE("\"a\0b\"")), ERROR_MALFORMED);
    assert_error(judge(SLICE("1\0")), ERROR_MALFORMED);
    assert_error(judge(SLICE("\"\\\0\"")), ERROR_MALFORMED);
}

static void takes_values(void **state)
{
    slice name, text;
    double decimal;
    int64_t integer;
    bool flag;
    (void)state;
    begin("{\"t\":\"plain\",\"e\":\"\\u00e9\\ud83d\\ude00\\u0000\\n/\\/\",\"d\":-1.25e2,"
          "\"i\":-9223372036854775808,\"f\":true,\"n\":null,\"a\":[1,[2],3],"
          "\"n\\u0061me\":false}");
    assert_true(json_read_object(&json));
    assert_true(json_read_member(&json, &name));
    assert_slice(name, "t");
    assert_int_equal(json_read_type(&json), JSON_TEXT);
    assert_false(json_read_integer(&json, &integer)); /* of another type: it stays */
    assert_false(json_read_object(&json));
    assert_true(json_read_text(&json, &text));
    assert_slice(text, "plain");
    assert_false(json_read_text(&json, &text)); /* taken */
    assert_int_equal(json_read_type(&json), JSON_NOTHING);
    assert_true(json_read_member(&json, &name));
    assert_true(json_read_text(&json, &text));
    assert_slice(text, "\xc3\xa9\xf0\x9f\x98\x80\0\n//");
    assert_true(json_read_member(&json, &name));
    assert_false(json_read_integer(&json, &integer)); /* it has a fraction's look */
    assert_true(json_read_decimal(&json, &decimal));
    assert_true(decimal == -125.0);
    assert_true(json_read_member(&json, &name));
    assert_true(json_read_integer(&json, &integer));
    assert_true(integer == INT64_MIN);
    assert_true(json_read_member(&json, &name));
    assert_true(json_read_flag(&json, &flag) && flag);
    assert_true(json_read_member(&json, &name));
    assert_true(json_read_null(&json));
    assert_true(json_read_member(&json, &name));
    assert_true(json_read_array(&json));
    assert_true(json_read_item(&json)); /* not taken: passed over */
    assert_true(json_read_item(&json));
    assert_true(json_read_any(&json, &text));
    assert_slice(text, "[2]");
    assert_true(json_read_item(&json));
    assert_true(json_read_integer(&json, &integer) && integer == 3);
    assert_false(json_read_item(&json));
    assert_true(json_read_member(&json, &name));
    assert_slice(name, "name");
    assert_true(json_read_flag(&json, &flag) && !flag);
    assert_false(json_read_member(&json, &name));
    assert_false(json_read_member(&json, &name));
    assert_ok(json_read_end(&json));
}

/* Whoever leaves in the middle hears of mistakes in what he did not read. */
static void leaves_early(void **state)
{
    slice name;
    (void)state;
    begin("{\"a\":{\"b\":[1,{\"c\":2}]},\"d\":3}");
    assert_true(json_read_object(&json) && json_read_member(&json, &name));
    assert_true(json_read_object(&json) && json_read_member(&json, &name));
    assert_true(json_read_array(&json) && json_read_item(&json));
    assert_ok(json_read_end(&json));
    begin("{\"a\":{\"b\":[1,{\"c\":02}]},\"d\":3}");
    assert_true(json_read_object(&json) && json_read_member(&json, &name));
    assert_true(json_read_object(&json));
    assert_error(json_read_end(&json), ERROR_MALFORMED);
    assert_false(json_read_member(&json, &name));
}

static void numbers(void **state)
{
    double decimal;
    int64_t integer;
    (void)state;
    begin("1e999");
    assert_false(json_read_decimal(&json, &decimal)); /* no double */
    begin("9223372036854775808");
    assert_false(json_read_integer(&json, &integer));
    assert_true(json_read_decimal(&json, &decimal));
    begin("9223372036854775807");
    assert_true(json_read_integer(&json, &integer) && integer == INT64_MAX);
    begin("-0");
    assert_true(json_read_integer(&json, &integer) && integer == 0);
}

/* json_read_limits and the arena. */
static void limits(void **state)
{
    char text[2 * JSON_READ_DEPTH_MAX + 8] = "", number[JSON_READ_NUMBER_SIZE_MAX + 2];
    slice unused;
    (void)state;
    memset(text, '[', JSON_READ_DEPTH_MAX);
    memset(text + JSON_READ_DEPTH_MAX, ']', JSON_READ_DEPTH_MAX);
    assert_ok(judge(slice_of(text, 2 * JSON_READ_DEPTH_MAX)));
    memset(text, '[', JSON_READ_DEPTH_MAX + 1);
    memset(text + JSON_READ_DEPTH_MAX + 1, ']', JSON_READ_DEPTH_MAX + 1);
    assert_error(judge(slice_of(text, 2 * JSON_READ_DEPTH_MAX + 2)), ERROR_LIMIT);
    memset(number, '1', sizeof number);
    assert_ok(judge(slice_of(number, JSON_READ_NUMBER_SIZE_MAX)));
    assert_error(judge(slice_of(number, JSON_READ_NUMBER_SIZE_MAX + 1)), ERROR_LIMIT);
    struct arena small;
    arena_init(&small, 0);
    json_read_begin(&json, SLICE("\"\\n\""), &small);
    assert_false(json_read_text(&json, &unused));
    assert_error(json_read_end(&json), ERROR_LIMIT);
    json_read_begin(&json, SLICE("[\"\\n\"]"), &small); /* passed over: needs none of it */
    assert_ok(json_read_end(&json));
    arena_close(&small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepts),      cmocka_unit_test(refuses), cmocka_unit_test(takes_values),
        cmocka_unit_test(leaves_early), cmocka_unit_test(numbers), cmocka_unit_test(limits),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
