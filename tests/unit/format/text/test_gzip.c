/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check.h"

#include "format/text/gzip.h"

#include <stdlib.h>
#include <zlib.h>

/* zlib reads what it wrote: whole, with its checksum. */
static void assert_round(slice bytes)
{
    struct buffer zipped;
    buffer_init(&zipped, 1 << 22);
    buffer_add(&zipped, SLICE("before"));
    assert_ok(gzip_encode(bytes, &zipped));
    slice found = slice_from(buffer_slice(&zipped), 6);
    char *out = malloc(bytes.size + 1);
    z_stream zip = {0};
    assert_int_equal(inflateInit2(&zip, 15 + 16), Z_OK);
    zip.next_in = (unsigned char *)found.data;
    zip.avail_in = (unsigned)found.size;
    zip.next_out = (unsigned char *)out;
    zip.avail_out = (unsigned)bytes.size + 1;
    assert_int_equal(inflate(&zip, Z_FINISH), Z_STREAM_END);
    assert_int_equal(zip.total_out, bytes.size);
    assert_int_equal(zip.avail_in, 0);
    assert_memory_equal(out, bytes.size ? bytes.data : "", bytes.size);
    inflateEnd(&zip);
    free(out);
    buffer_close(&zipped);
}

static void test_rounds(void **state)
{
    (void)state;
    static char noise[1 << 20];
    assert_round(SLICE_EMPTY);
    assert_round(SLICE("{}"));
    srandom(4711);
    for (size_t i = 0; i < sizeof noise; i++)
        noise[i] = (char)random();
    assert_round(slice_of(noise, sizeof noise));
}

static void test_limit(void **state)
{
    (void)state;
    struct buffer zipped;
    buffer_init(&zipped, 10);
    assert_error(gzip_encode(SLICE("does not fit"), &zipped), ERROR_LIMIT);
    buffer_close(&zipped);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rounds),
        cmocka_unit_test(test_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
