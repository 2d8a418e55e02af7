/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check.h"

#include "format/text/quoted_printable.h"

static struct buffer out;

static slice encoded(slice text)
{
    buffer_reset(&out);
    quoted_printable_encode(&out, text);
    assert_ok(buffer_check(&out));
    return buffer_slice(&out);
}

/* RFC 2045 6.7 */
static void test_encode(void **state)
{
    (void)state;
    assert_slice(encoded(SLICE("")), "");
    assert_slice(encoded(SLICE("plain ! text~\r\n")), "plain ! text~\r\n");
    assert_slice(encoded(SLICE("1+1=2")), "1+1=3D2");
    assert_slice(encoded(SLICE("Gr\xc3\xbc\xc3\x9f")), "Gr=C3=BC=C3=9F");
    assert_slice(encoded(SLICE("blank \r\ntab\t")), "blank=20\r\ntab=09");
    assert_slice(encoded(SLICE("two  \r\n")), "two =20\r\n");
    assert_slice(encoded(SLICE("bare\rand\nends\r")), "bare=0Dand=0Aends=0D");
    assert_slice(encoded(slice_of("\0\x7f", 2)), "=00=7F");
}

static void test_lines(void **state)
{
    (void)state;
    char text[400];
    memset(text, 'x', sizeof text);
    slice just = slice_of(text, QUOTED_PRINTABLE_LINE_SIZE_MAX);
    assert_true(slice_equal(encoded(just), just)); /* a whole line needs no soft break */
    slice got = encoded(slice_of(text, QUOTED_PRINTABLE_LINE_SIZE_MAX + 1));
    assert_int_equal(slice_find(got, SLICE("=\r\n")), QUOTED_PRINTABLE_LINE_SIZE_MAX - 1);
    memset(text, '=', sizeof text);
    slice rest = encoded(slice_of(text, sizeof text)), line;
    for (bool more = true; more;) {
        more = slice_cut(rest, '\n', &line, &rest);
        assert_true(line.size <= QUOTED_PRINTABLE_LINE_SIZE_MAX + 1); /* and the CR */
    }
}

static void test_decodes_to_itself(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    char text[512];
    uint32_t seed = 1;
    for (unsigned round = 0; round < 2000; round++) {
        size_t size = round % sizeof text;
        for (size_t i = 0; i < size; i++) {
            seed = seed * 1664525 + 1013904223;
            text[i] = "ab =\t\r\n\n\xe4."[seed >> 24 & 7] ^ (char)(seed >> 31 & 1);
        }
        slice back;
        assert_ok(quoted_printable_decode(&arena, encoded(slice_of(text, size)), &back));
        assert_true(slice_equal(back, slice_of(text, size)));
        arena_reset(&arena);
    }
    arena_close(&arena);
}

static void test_bounded(void **state)
{
    (void)state;
    struct buffer small;
    buffer_init(&small, 10);
    quoted_printable_encode(&small, SLICE("more than ten bytes"));
    assert_error(buffer_check(&small), ERROR_LIMIT);
    buffer_close(&small);
}

int main(void)
{
    buffer_init(&out, 1 << 20);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_encode),
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_decodes_to_itself),
        cmocka_unit_test(test_bounded),
    };
    int result = cmocka_run_group_tests(tests, NULL, NULL);
    buffer_close(&out);
    return result;
}
