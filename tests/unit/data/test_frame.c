/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check.h"

#include "data/frame.h"

enum { KINDS = 3, SALT = 5 };
static const char MAGIC[8] = "RMTEST1\n";

/* `count` records of kinds 1, 2, 3, 1 ...; the n-th has n bytes of payload. */
static void write_records(struct buffer *out, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        size_t begin = frame_begin(out);
        for (unsigned j = 0; j < i; j++)
            buffer_add_byte(out, (char)('a' + i));
        frame_end(out, begin, i % KINDS + 1, SALT);
    }
}

static struct frame_scan scan_of(slice window)
{
    return (struct frame_scan){.window = window, .salt = SALT, .kind_last = KINDS, .last = true};
}

static unsigned count_records(struct frame_scan *scan)
{
    unsigned kind, count = 0;
    slice payload;
    while (frame_scan_next(scan, &kind, &payload) == FRAME_SCAN_RECORD)
        count++;
    return count;
}

static void test_walk(void **state)
{
    (void)state;
    struct buffer out;
    unsigned kind;
    slice payload;
    buffer_init(&out, 1 << 16);
    write_records(&out, 20);
    struct frame_scan scan = scan_of(buffer_slice(&out));
    for (unsigned i = 0; i < 20; i++) {
        assert_int_equal(frame_scan_next(&scan, &kind, &payload), FRAME_SCAN_RECORD);
        assert_int_equal(kind, i % KINDS + 1);
        assert_int_equal(payload.size, i);
        assert_true(i == 0 || payload.data[i - 1] == (char)('a' + i));
    }
    assert_int_equal(frame_scan_next(&scan, &kind, &payload), FRAME_SCAN_END);
    assert_int_equal(scan.at, out.size);
    assert_false(scan.skipping);
    assert_int_equal(scan.damaged, 0);
    scan = scan_of(buffer_slice(&out));
    scan.salt = SALT + 1; /* a stranger's */
    assert_int_equal(count_records(&scan), 0);
    buffer_close(&out);
}

/* Whatever byte a file ends at, the whole records before it are found, and nothing else. */
static void test_torn_at_every_byte(void **state)
{
    (void)state;
    struct buffer out;
    size_t ends[20];
    buffer_init(&out, 1 << 16);
    for (unsigned i = 0; i < 20; i++) {
        size_t begin = frame_begin(&out);
        buffer_add(&out, slice_of("0123456789abcdefghij", i));
        frame_end(&out, begin, 1, SALT);
        ends[i] = out.size;
    }
    for (size_t size = 0; size <= out.size; size++) {
        unsigned whole = 0;
        while (whole < 20 && ends[whole] <= size)
            whole++;
        struct frame_scan scan = scan_of(slice_of(out.data, size));
        assert_int_equal(count_records(&scan), whole);
        assert_int_equal(scan.skipping, size != (whole ? ends[whole - 1] : 0));
        assert_int_equal(scan.damaged, 0);
    }
    buffer_close(&out);
}

/* Any one byte that rots costs one record, which is counted where good ones follow. */
static void test_rot_at_every_byte(void **state)
{
    (void)state;
    struct buffer out;
    buffer_init(&out, 1 << 16);
    write_records(&out, 20);
    for (size_t at = 0; at < out.size; at++) {
        out.data[at] ^= 0x10;
        struct frame_scan scan = scan_of(buffer_slice(&out));
        unsigned count = count_records(&scan);
        assert_in_range(count, 19, 20); /* zeros that fill up are nobody's */
        if (count == 19)
            assert_true(scan.damaged == 1 || scan.skipping);
        out.data[at] ^= 0x10;
    }
    buffer_close(&out);
}

static void test_limits(void **state)
{
    (void)state;
    struct buffer out;
    buffer_init(&out, 40);
    write_records(&out, 10);
    assert_error(buffer_check(&out), ERROR_LIMIT); /* not half a record, and no crash */
    buffer_close(&out);
    static char big[FRAME_PAYLOAD_SIZE_MAX];
    buffer_init(&out, frame_size(sizeof big));
    size_t begin = frame_begin(&out);
    buffer_add(&out, slice_of(big, sizeof big));
    frame_end(&out, begin, KINDS, SALT);
    assert_ok(buffer_check(&out));
    struct frame_scan scan = scan_of(buffer_slice(&out));
    assert_int_equal(count_records(&scan), 1);
    buffer_close(&out);
}

static void test_headers(void **state)
{
    (void)state;
    char bytes[sizeof(struct frame_header)];
    struct frame_header header = {.salt = 1, .generation = 2, .core = 3};
    memcpy(header.magic, MAGIC, sizeof MAGIC);
    frame_header_write(header, bytes);
    header = (struct frame_header){0};
    for (size_t size = 0; size < sizeof bytes; size++)
        assert_int_equal(frame_header_read(slice_of(bytes, size), MAGIC, &header),
                         FRAME_HEADER_DAMAGED);
    slice whole = slice_of(bytes, sizeof bytes);
    assert_int_equal(frame_header_read(whole, "RMTEST2\n", &header), FRAME_HEADER_FOREIGN);
    assert_int_equal(header.salt, 0);
    assert_int_equal(frame_header_read(whole, MAGIC, &header), FRAME_HEADER_GOOD);
    assert_true(header.salt == 1 && header.generation == 2 && header.core == 3);
    for (size_t at = 0; at < sizeof bytes; at++) {
        bytes[at] ^= 1;
        assert_int_equal(frame_header_read(whole, MAGIC, &header), FRAME_HEADER_DAMAGED);
        bytes[at] ^= 1;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_walk),
        cmocka_unit_test(test_torn_at_every_byte),
        cmocka_unit_test(test_rot_at_every_byte),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_headers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
