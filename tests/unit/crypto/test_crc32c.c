/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check.h"

#include "base/random.h"
#include "crypto/crc32c.h"

#include <stdlib.h>

static uint32_t sum(const void *data, size_t size)
{
    uint32_t crc = crc32c(0, slice_of(data, size));
    assert_int_equal(crc32c_portable(NULL, data, size, 0), crc);
    return crc;
}

/* RFC 3720 B.4, and the check value of the CRC catalogue. */
static void test_known_sums(void **state)
{
    (void)state;
    unsigned char bytes[32];
    memset(bytes, 0, sizeof bytes);
    assert_int_equal(sum(bytes, sizeof bytes), 0x8a9136aa);
    memset(bytes, 0xff, sizeof bytes);
    assert_int_equal(sum(bytes, sizeof bytes), 0x62a8ab43);
    for (unsigned char i = 0; i < 32; i++)
        bytes[i] = i;
    assert_int_equal(sum(bytes, sizeof bytes), 0x46dd794e);
    for (unsigned char i = 0; i < 32; i++)
        bytes[i] = (unsigned char)(31 - i);
    assert_int_equal(sum(bytes, sizeof bytes), 0x113fdb5c);
    assert_int_equal(sum("123456789", 9), 0xe3069283);
    assert_int_equal(sum("", 0), 0);
}

static void test_any_size_split_and_copy_agree(void **state)
{
    (void)state;
    enum { SIZE = 10000 };
    unsigned char *data = malloc(SIZE + 16), *copy = malloc(SIZE + 16);
    assert_non_null(data);
    assert_non_null(copy);
    for (int i = 0; i < SIZE + 16; i++)
        data[i] = (unsigned char)random_u64();
    for (int round = 0; round < 3000; round++) {
        size_t size = random_below(round % 2 ? SIZE : 64), start = random_below(16);
        size_t split = random_below(size + 1);
        uint32_t whole = sum(data + start, size);
        uint32_t left = crc32c(0, slice_of(data + start, split));
        assert_int_equal(crc32c(left, slice_of(data + start + split, size - split)), whole);
        memset(copy, 0xa5, SIZE + 16);
        assert_int_equal(crc32c_copy(copy, data + start, size, 0), whole);
        assert_memory_equal(copy, data + start, size);
        assert_int_equal(copy[size], 0xa5); /* nothing past the end */
        assert_int_equal(crc32c_portable(copy, data + start, size, 0), whole);
    }
    free(data);
    free(copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_sums),
        cmocka_unit_test(test_any_size_split_and_copy_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
