/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "scratch.h"

#include "base/log.h"
#include "data/frame_file.h"

static const char MAGIC[8] = "RMTEST1\n";
static struct scratch scratch;
static int directory;

static struct reader {
    unsigned count;
    size_t bytes;
    unsigned refuse; /* the n-th record, from 1 */
    bool fail;
} seen;

static error take(void *argument, unsigned kind, slice payload)
{
    assert_ptr_equal(argument, &seen);
    assert_int_equal(kind, 1);
    seen.count++;
    seen.bytes += payload.size;
    if (seen.fail)
        return error_make(ERROR_LIMIT, "enough");
    return seen.count == seen.refuse ? error_make(ERROR_MALFORMED, "odd") : OK;
}

static const struct frame_file_reader reader = {
    .magic = MAGIC, .kind_last = 1, .record = take, .argument = &seen};

static int set_up(void **state)
{
    (void)state;
    char path[160];
    scratch_make(&scratch);
    snprintf(path, sizeof path, "%s/a/b", scratch.path);
    assert_ok(frame_file_directory(path, &directory));
    seen = (struct reader){0};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    close(directory);
    scratch_remove(&scratch);
    return 0;
}

static struct frame_header header_of(uint64_t generation)
{
    struct frame_header header = {.salt = 77, .generation = generation, .core = 3};
    memcpy(header.magic, MAGIC, sizeof MAGIC);
    return header;
}

static void add_record(struct buffer *out, size_t size)
{
    static const char text[4096] = "what is kept";
    size_t begin = frame_begin(out);
    buffer_add(out, slice_of(text, size));
    frame_end(out, begin, 1, 77);
}

static struct frame_file_found read_again(const char *name)
{
    struct frame_file_found found;
    seen.count = 0;
    seen.bytes = 0;
    assert_ok(frame_file_read(directory, name, &reader, &found));
    return found;
}

static void append(struct frame_file *file, unsigned count, size_t size)
{
    struct buffer records;
    buffer_init(&records, 1 << 20);
    for (unsigned i = 0; i < count; i++)
        add_record(&records, size);
    assert_ok(frame_file_append(file, buffer_slice(&records), true));
    buffer_close(&records);
}

static void test_appended_and_replaced(void **state)
{
    (void)state;
    struct frame_file file;
    struct frame_header header = header_of(1);
    assert_false(read_again("x").exists);
    frame_file_init(&file, directory);
    assert_ok(frame_file_create(&file, "x", &header));
    assert_error(frame_file_create(&file, "x", &header), ERROR_EXISTS);
    append(&file, 10, 100);
    append(&file, 5, 0);
    frame_file_close(&file);
    struct frame_file_found found = read_again("x");
    assert_true(found.exists);
    assert_int_equal(found.header.generation, 1);
    assert_int_equal(seen.count, 15);
    assert_int_equal(seen.bytes, 1000);
    /* Gone on with, then replaced. */
    assert_ok(frame_file_open(&file, "x", &found));
    append(&file, 1, 1);
    assert_int_equal(read_again("x").records, 16);
    struct buffer fresh;
    buffer_init(&fresh, 1000);
    add_record(&fresh, 7);
    header = header_of(2);
    assert_ok(frame_file_replace(&file, "x", &header, buffer_slice(&fresh)));
    append(&file, 1, 8);
    found = read_again("x");
    assert_int_equal(found.header.generation, 2);
    assert_int_equal(seen.bytes, 15);
    assert_int_equal(found.end, file.size);
    buffer_close(&fresh);
    frame_file_close(&file);
}

/* Wherever the end was torn off, the whole records before it are read, what is appended next is
 * read too, and nothing is called damage. */
static void test_torn_at_every_byte(void **state)
{
    (void)state;
    struct frame_file file;
    struct frame_header header = header_of(1);
    frame_file_init(&file, directory);
    assert_ok(frame_file_create(&file, "whole", &header));
    append(&file, 6, 20);
    char bytes[400];
    ssize_t size = pread(file.fd, bytes, sizeof bytes, 0);
    assert_int_equal(size, sizeof header + 6 * frame_size(20));
    frame_file_close(&file);
    for (ssize_t end = 0; end <= size; end++) {
        int fd = openat(directory, "torn", O_WRONLY | O_CREAT | O_TRUNC, 0600);
        assert_int_equal(write(fd, bytes, (size_t)end), end);
        close(fd);
        struct frame_file_found found = read_again("torn");
        if (end < (ssize_t)sizeof header) { /* nothing was in it: not worth a person's look */
            assert_false(found.exists);
            assert_int_equal(faccessat(directory, "torn", F_OK, 0), -1);
            continue;
        }
        size_t whole = ((size_t)end - sizeof header) / frame_size(20);
        assert_int_equal(seen.count, whole);
        assert_int_equal(found.damaged, 0);
        assert_ok(frame_file_open(&file, "torn", &found));
        append(&file, 1, 30);
        frame_file_close(&file);
        found = read_again("torn");
        assert_int_equal(seen.count, whole + 1);
        assert_int_equal(seen.bytes, whole * 20 + 30);
        assert_int_equal(found.damaged, 0);
    }
}

static void overwrite(const char *name, off_t at, const char *text)
{
    int fd = openat(directory, name, O_WRONLY);
    assert_int_equal(pwrite(fd, text, strlen(text), at), strlen(text));
    close(fd);
}

static void make_file(const char *name, unsigned count)
{
    struct frame_file file;
    struct frame_header header = header_of(1);
    frame_file_init(&file, directory);
    assert_ok(frame_file_create(&file, name, &header));
    append(&file, count, 20);
    frame_file_close(&file);
}

static unsigned names;

static error count_name(void *argument, slice name)
{
    (void)argument;
    (void)name;
    names++;
    return OK;
}

static void test_damage_is_put_aside(void **state)
{
    (void)state;
    make_file("rot", 5);
    overwrite("rot", sizeof(struct frame_header) + 40, "!");
    assert_int_equal(read_again("rot").damaged, 1);
    assert_int_equal(seen.count, 4);
    make_file("head", 5);
    overwrite("head", 9, "!!");
    assert_false(read_again("head").exists);
    assert_ok(frame_file_list(directory, "head.damaged-", count_name, NULL));
    assert_int_equal(names, 1);
    struct frame_file file;
    struct frame_header newer = header_of(1);
    newer.magic[6] = '2';
    frame_file_init(&file, directory);
    assert_ok(frame_file_create(&file, "newer", &newer));
    frame_file_close(&file);
    assert_false(read_again("newer").exists);
    assert_ok(frame_file_list(directory, "newer.unknown-", count_name, NULL));
    assert_int_equal(names, 2);
}

static void test_refused_records(void **state)
{
    (void)state;
    make_file("x", 5);
    seen.refuse = 2;
    struct frame_file_found found = read_again("x");
    assert_int_equal(found.records, 5);
    assert_int_equal(found.damaged, 1);
    seen.fail = true;
    assert_error(frame_file_read(directory, "x", &reader, &found), ERROR_LIMIT);
}

/* Larger than any window, and records of all sizes across their borders. */
static void test_large(void **state)
{
    (void)state;
    struct frame_file file;
    struct frame_header header = header_of(1);
    struct buffer records;
    size_t bytes = 0, count = 0;
    frame_file_init(&file, directory);
    assert_ok(frame_file_create(&file, "large", &header));
    buffer_init(&records, 8 << 20);
    while (records.size < 5 << 20) {
        size_t size = count++ * 37 % 4096;
        add_record(&records, size);
        bytes += size;
    }
    assert_ok(frame_file_append(&file, buffer_slice(&records), false));
    frame_file_close(&file);
    buffer_close(&records);
    assert_int_equal(read_again("large").damaged, 0);
    assert_int_equal(seen.count, count);
    assert_int_equal(seen.bytes, bytes);
}

/* What the disk refuses leaves no trace: the file goes on where it was. */
static void test_refusing_disk(void **state)
{
    (void)state;
    struct frame_file file;
    struct frame_header header = header_of(1);
    struct buffer records;
    frame_file_init(&file, directory);
    assert_ok(frame_file_create(&file, "x", &header));
    append(&file, 2, 20);
    int good = file.fd;
    file.fd = openat(directory, "x", O_RDONLY);
    buffer_init(&records, 1000);
    add_record(&records, 9);
    assert_true(failed(frame_file_append(&file, buffer_slice(&records), true)));
    close(file.fd);
    file.fd = good;
    append(&file, 1, 20);
    assert_int_equal(read_again("x").records, 3);
    /* A directory where the fresh file should be. */
    assert_int_equal(mkdirat(directory, "x.new", 0700), 0);
    assert_true(failed(frame_file_replace(&file, "x", &header, buffer_slice(&records))));
    append(&file, 1, 20);
    assert_int_equal(read_again("x").records, 4);
    buffer_close(&records);
    frame_file_close(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_appended_and_replaced, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_torn_at_every_byte, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_damage_is_put_aside, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_refused_records, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_large, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_refusing_disk, set_up, tear_down),
    };
    log_configure(open("/dev/null", O_WRONLY | O_CLOEXEC), LOG_ERROR, LOG_LOGFMT);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
