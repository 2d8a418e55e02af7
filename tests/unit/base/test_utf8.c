/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check.h"

#include "base/utf8.h"

static void test_round_trips_every_code_point(void **state)
{
    (void)state;
    for (uint32_t point = 0; point <= 0x110000; point++) {
        char bytes[4];
        uint32_t back = 0;
        size_t size = utf8_encode(point, bytes);
        bool is_point = point <= 0x10ffff && !(point >= 0xd800 && point <= 0xdfff);
        assert_int_equal(size != 0, is_point);
        if (size) {
            assert_int_equal(utf8_decode(slice_of(bytes, size), &back), size);
            assert_int_equal(back, point);
            assert_int_equal(utf8_decode(slice_of(bytes, size - 1), &back), 0);
        }
    }
}

static void test_refuses_what_rfc_3629_refuses(void **state)
{
    (void)state;
    assert_true(utf8_is_valid(SLICE("na\xc3\xafve \xf0\x9f\x93\xa7")));
    assert_false(utf8_is_valid(SLICE("\xc0\x80")));         /* overlong */
    assert_false(utf8_is_valid(SLICE("\xe0\x80\xaf")));     /* overlong */
    assert_false(utf8_is_valid(SLICE("\xed\xa0\x80")));     /* surrogate */
    assert_false(utf8_is_valid(SLICE("\xf4\x90\x80\x80"))); /* past U+10FFFF */
    assert_false(utf8_is_valid(SLICE("\x80")));
    assert_false(utf8_is_valid(SLICE("a\xc3")));
    assert_true(utf8_is_ascii(SLICE("abc")));
    assert_false(utf8_is_ascii(SLICE("\xc3\xaf")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trips_every_code_point),
        cmocka_unit_test(test_refuses_what_rfc_3629_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
