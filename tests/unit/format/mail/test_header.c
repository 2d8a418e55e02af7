/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "format/mail/header.h"

#include <stdlib.h>

static const char message[] = "Received: from a\r\n\tby b;\r\n Tue\r\n"
                              "Subject : Hello\r\n"
                              "no field at all\r\n"
                              "X-Empty:\r\n"
                              "subject: second\r\n"
                              "\r\n"
                              "Body: no field\r\n";

static void test_fields_are_views(void **state)
{
    (void)state;
    struct mail_header_iterator iterator;
    struct mail_header_field field;
    slice text = SLICE(message);
    mail_header_begin(&iterator, text);
    assert_true(mail_header_next(&iterator, &field));
    assert_true(slice_equal(field.name, SLICE("Received")));
    assert_true(slice_equal(field.value, SLICE(" from a\r\n\tby b;\r\n Tue")));
    assert_int_equal(field.offset, 0);
    assert_int_equal(field.size, 32);
    assert_true(mail_header_next(&iterator, &field));
    assert_true(slice_equal(field.name, SLICE("Subject"))); /* RFC 5322 4.5: blanks before ':' */
    assert_int_equal(field.offset, 32);
    assert_true(mail_header_next(&iterator, &field));
    assert_int_equal(field.name.size, 0);
    assert_true(slice_equal(field.value, SLICE("no field at all")));
    assert_true(mail_header_next(&iterator, &field));
    assert_true(slice_equal(field.name, SLICE("X-Empty")));
    assert_int_equal(field.value.size, 0);
    assert_true(mail_header_next(&iterator, &field));
    assert_false(mail_header_next(&iterator, &field));
    assert_int_equal(iterator.at + 2, mail_header_size(text));
    assert_true(slice_starts(slice_from(text, mail_header_size(text)), SLICE("Body:")));
}

static void test_finds_first_and_last(void **state)
{
    (void)state;
    slice value = SLICE("untouched");
    assert_true(mail_header_find(SLICE(message), SLICE("SUBJECT"), &value));
    assert_true(slice_equal(value, SLICE(" Hello")));
    assert_true(mail_header_find_last(SLICE(message), SLICE("Subject"), &value));
    assert_true(slice_equal(value, SLICE(" second")));
    assert_false(mail_header_find(SLICE(message), SLICE("Body"), &value));
    assert_true(slice_equal(value, SLICE(" second")));
}

static void test_bare_lf(void **state)
{
    (void)state;
    slice text = SLICE("A: 1\nB: 2\n 3\n\nC: 4\n"), value;
    assert_int_equal(mail_header_size(text), 14);
    assert_true(mail_header_find(text, SLICE("b"), &value));
    assert_true(slice_equal(value, SLICE(" 2\n 3")));
    assert_false(mail_header_find(text, SLICE("c"), &value));
}

static void test_odd_ends(void **state)
{
    (void)state;
    assert_int_equal(mail_header_size(SLICE_EMPTY), 0);
    assert_int_equal(mail_header_size(SLICE("\r\n")), 2);
    assert_int_equal(mail_header_size(SLICE("\nx")), 1);
    assert_int_equal(mail_header_size(SLICE("A: 1")), 4);
    assert_int_equal(mail_header_size(SLICE("A: 1\r\n\r")), 7);
    struct mail_header_iterator iterator;
    struct mail_header_field field;
    mail_header_begin(&iterator, SLICE("A: 1\r\n\r"));
    assert_true(mail_header_next(&iterator, &field));
    assert_true(mail_header_next(&iterator, &field)); /* a bare CR is no empty line */
    assert_int_equal(field.name.size, 0);
    assert_false(mail_header_next(&iterator, &field));
}

static void test_unfold(void **state)
{
    (void)state;
    struct arena arena;
    slice text;
    arena_init(&arena, 1000);
    assert_false(failed(mail_header_unfold(&arena, SLICE(" a\r\n\tb\r\n  c "), &text)));
    assert_true(slice_equal(text, SLICE("a\tb  c")));
    slice plain = SLICE(" plain ");
    assert_false(failed(mail_header_unfold(&arena, plain, &text)));
    assert_ptr_equal(text.data, plain.data + 1); /* not copied */
    arena_close(&arena);
}

static void test_limits(void **state)
{
    (void)state;
    size_t count = MAIL_HEADER_FIELD_COUNT_MAX + 10, size = count * 6;
    char *text = malloc(size);
    for (size_t i = 0; i < count; i++)
        memcpy(text + i * 6, "A: b\r\n", 6);
    struct mail_header_iterator iterator;
    struct mail_header_field field;
    unsigned seen = 0;
    mail_header_begin(&iterator, slice_of(text, size));
    while (mail_header_next(&iterator, &field))
        seen++;
    assert_int_equal(seen, MAIL_HEADER_FIELD_COUNT_MAX);
    free(text);

    size = (size_t)MAIL_HEADER_SIZE_MAX + 100;
    text = malloc(size);
    memset(text, 'a', size);
    memcpy(text, "A:", 2);
    memcpy(text + size - 10, "\r\nB: x\r\n\r\n", 10);
    slice value;
    assert_true(mail_header_find(slice_of(text, size), SLICE("a"), &value));
    assert_int_equal(value.size, MAIL_HEADER_SIZE_MAX - 2);
    assert_false(mail_header_find(slice_of(text, size), SLICE("b"), &value));
    assert_int_equal(mail_header_size(slice_of(text, size)), size);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields_are_views), cmocka_unit_test(test_finds_first_and_last),
        cmocka_unit_test(test_bare_lf),          cmocka_unit_test(test_odd_ends),
        cmocka_unit_test(test_unfold),           cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
