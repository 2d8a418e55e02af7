/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check.h"

#include "base/random.h"
#include "load/letter.h"

static struct buffer message;

static void build(size_t size, uint64_t run, uint64_t sequence)
{
    struct load_letter letter;
    buffer_reset(&message);
    load_letter_make(&letter, &message, size, run, sequence, SLICE("a@x.org"), SLICE("b@x.org"));
    buffer_add(&message, letter.text);
    buffer_add(&message, slice_of(letter.tail, letter.tail_size));
    assert_ok(buffer_check(&message));
}

static void test_has_the_size_asked_for_and_clean_lines(void **state)
{
    (void)state;
    for (int i = 0; i < 3000; i++) {
        size_t size = 600 + random_below(20000);
        build(size, 7, (uint64_t)i);
        assert_in_range(message.size, size - 1, size);
        slice rest = buffer_slice(&message), line;
        while (rest.size) {
            assert_true(slice_cut(rest, '\n', &line, &rest)); /* every line ends */
            assert_true(slice_ends(line, SLICE("\r")));
            assert_int_equal(slice_find_byte(slice_sub(line, 0, line.size - 1), '\r'), -1);
            assert_false(slice_starts(line, SLICE(".")));
            assert_true(line.size < 1000);
        }
    }
}

static void test_proves_itself(void **state)
{
    (void)state;
    uint64_t sequence = 0;
    build(5000, 7, 42);
    assert_int_equal(load_letter_check(buffer_slice(&message), 7, &sequence), LOAD_LETTER_GOOD);
    assert_int_equal(sequence, 42);
    assert_int_equal(load_letter_check(buffer_slice(&message), 0, &sequence), LOAD_LETTER_GOOD);
    assert_int_equal(load_letter_check(buffer_slice(&message), 8, &sequence), LOAD_LETTER_FOREIGN);
    assert_int_equal(load_letter_check(SLICE("Subject: x\r\n\r\nX-Ringload: run=7"), 7, &sequence),
                     LOAD_LETTER_FOREIGN);
    message.data[message.size - 10] ^= 1;
    assert_int_equal(load_letter_check(buffer_slice(&message), 7, &sequence), LOAD_LETTER_DAMAGED);
    message.data[message.size - 10] ^= 1;
    assert_int_equal(
        load_letter_check(slice_sub(buffer_slice(&message), 0, message.size - 2), 7, &sequence),
        LOAD_LETTER_DAMAGED);
}

static void test_survives_bare_line_feeds_and_added_headers(void **state)
{
    (void)state;
    build(5000, 7, 43);
    char text[6000] = "Received: from x\n";
    size_t size = strlen(text);
    for (size_t i = 0; i < message.size; i++)
        if (message.data[i] != '\r')
            text[size++] = message.data[i];
    uint64_t sequence = 0;
    assert_int_equal(load_letter_check(slice_of(text, size), 7, &sequence), LOAD_LETTER_GOOD);
    assert_int_equal(sequence, 43);
}

int main(void)
{
    buffer_init(&message, 1 << 20);
    if (failed(load_letter_prepare(1, 65536)))
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_has_the_size_asked_for_and_clean_lines),
        cmocka_unit_test(test_proves_itself),
        cmocka_unit_test(test_survives_bare_line_feeds_and_added_headers),
    };
    int failures = cmocka_run_group_tests(tests, NULL, NULL);
    buffer_close(&message);
    return failures;
}
