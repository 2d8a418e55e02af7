/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "format/json/write.h"

static void test_nesting_and_commas(void **state)
{
    (void)state;
    struct buffer out;
    buffer_init(&out, 4096);
    struct json_writer json;
    json_begin(&json, &out);
    json_object_open(&json);
    json_member_number(&json, "a", -1);
    json_member_array_open(&json, "b");
    json_number(&json, 1);
    json_text(&json, SLICE("two"));
    json_object_open(&json);
    json_object_close(&json);
    json_array_open(&json);
    json_array_close(&json);
    json_flag(&json, true);
    json_array_close(&json);
    json_member_object_open(&json, "c");
    json_member_flag(&json, "d", false);
    json_object_close(&json);
    json_member_decimal(&json, "e", 0.25);
    json_object_close(&json);
    buffer_add_byte(&out, '\0');
    assert_string_equal(out.data,
                        "{\"a\":-1,\"b\":[1,\"two\",{},[],true],\"c\":{\"d\":false},\"e\":0.25}");
    buffer_close(&out);
}

static void test_escapes(void **state)
{
    (void)state;
    struct buffer out;
    buffer_init(&out, 4096);
    struct json_writer json;
    json_begin(&json, &out);
    json_text(&json, SLICE("q\"b\\n\nz\0u\x1f \xc3\xa9 \xff \xe2\x82"));
    buffer_add_byte(&out, '\0');
    assert_string_equal(out.data, "\"q\\\"b\\\\n\\nz\\u0000u\\u001f \xc3\xa9 \xef\xbf\xbd "
                                  "\xef\xbf\xbd\xef\xbf\xbd\"");
    buffer_close(&out);
}

static void test_full_buffer_is_told(void **state)
{
    (void)state;
    struct buffer out;
    buffer_init(&out, 8);
    struct json_writer json;
    json_begin(&json, &out);
    json_text(&json, SLICE("longer than eight"));
    assert_int_equal(buffer_check(&out).kind, ERROR_LIMIT);
    buffer_close(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nesting_and_commas),
        cmocka_unit_test(test_escapes),
        cmocka_unit_test(test_full_buffer_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
