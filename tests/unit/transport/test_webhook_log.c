/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cores.h"
#include "scratch.h"

#include "base/log.h"
#include "base/time.h"
#include "runtime/worker.h"
#include "transport/webhook_log.h"

static struct scratch scratch;
static int directory;
static struct buffer body;
static void (*body_now)(void);

static void run_body(void *argument)
{
    (void)argument;
    body_now();
}

static void in_core(void (*function)(void))
{
    body_now = function;
    on_cores(1, run_body);
}

static int set_up(void **state)
{
    (void)state;
    scratch_make(&scratch);
    directory = open(scratch.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    buffer_init(&body, 4 << 20);
    return directory < 0;
}

static int tear_down(void **state)
{
    (void)state;
    buffer_close(&body);
    close(directory);
    scratch_remove(&scratch);
    return 0;
}

/* ---- What the tests say ---- */

enum { DISK_MAX = 8 << 20 };

static void open_log(struct webhook_log *log)
{
    assert_ok(webhook_log_open(log, directory, "stem", DISK_MAX));
}

/* Event n is {"n":n,"fill":"..."}, told of at the n-th nanosecond. */
static bool add(struct webhook_log *log, unsigned n, unsigned fill)
{
    static char zeros[60000];
    static char json[60100];
    memset(zeros, '0', sizeof zeros);
    int size = snprintf(json, sizeof json, "{\"n\":%u,\"fill\":\"%.*s\"}", n, (int)fill, zeros);
    return webhook_log_add(log, slice_of(json, (size_t)size), n);
}

static struct webhook_batch read_batch(struct webhook_log *log, unsigned count_max, int64_t oldest)
{
    struct webhook_batch batch = {
        .count_max = count_max, .size_max = 1 << 20, .oldest = oldest, .body = &body};
    assert_ok(webhook_log_read(log, &batch));
    return batch;
}

/* The batch is the events from..to, in order. */
static void expect(const struct webhook_batch *batch, unsigned from, unsigned to)
{
    assert_int_equal(batch->count, to - from + 1);
    buffer_add_byte(&body, '\0');
    const char *at = body.data;
    assert_int_equal(*at, '[');
    for (unsigned n = from; n <= to; n++) {
        at = strstr(at, "{\"n\":");
        assert_non_null(at);
        assert_int_equal(strtoul(at + 5, NULL, 10), n);
        at++;
    }
    assert_null(strstr(at, "{\"n\":"));
    assert_int_equal(batch->youngest, to);
}

static void expect_next(struct webhook_log *log, unsigned from, unsigned to)
{
    struct webhook_batch batch = read_batch(log, to - from + 1, 0);
    expect(&batch, from, to);
    webhook_log_taken(log, batch.last);
}

static void expect_nothing(struct webhook_log *log)
{
    struct webhook_batch batch = read_batch(log, 10, 0);
    assert_int_equal(batch.count, 0);
    webhook_log_taken(log, batch.last);
    assert_true(webhook_log_is_empty(log));
    assert_int_equal(log->waiting, 0);
}

/* ---- Tests ---- */

static void from_memory_and_files(void)
{
    struct webhook_log log;
    open_log(&log);
    assert_true(webhook_log_is_empty(&log));
    for (unsigned n = 1; n <= 30; n++) {
        assert_true(add(&log, n, 10));
        if (n == 10 || n == 20)
            assert_ok(webhook_log_flush(&log, n == 20));
    }
    assert_int_equal(log.waiting, 30);
    expect_next(&log, 1, 7);  /* a file */
    expect_next(&log, 8, 25); /* file and memory */
    assert_ok(webhook_log_flush(&log, false));
    expect_next(&log, 26, 30); /* what was in memory is in the file now */
    expect_nothing(&log);
    assert_true(add(&log, 31, 10));
    expect_next(&log, 31, 31);
    expect_nothing(&log);
    webhook_log_close(&log);
}

static void test_from_memory_and_files(void **state)
{
    (void)state;
    in_core(from_memory_and_files);
}

/* A restart goes on behind what was taken; numbers never come again. */
static void restarts(void)
{
    struct webhook_log log;
    uint64_t number = 0;
    for (unsigned n = 1; n <= 50; n += 10) {
        open_log(&log);
        assert_true(log.next > number + WEBHOOK_LOG_GAP / 2);
        assert_int_equal(log.waiting, n == 1 ? 0 : 5);
        for (unsigned i = 0; i < 10; i++)
            assert_true(add(&log, n + i, 10));
        number = log.last;
        assert_ok(webhook_log_flush(&log, true));
        if (n > 1)
            expect_next(&log, n - 5, n - 1);
        expect_next(&log, n, n + 4);
        assert_ok(webhook_log_flush(&log, false));
        webhook_log_close(&log);
    }
    open_log(&log);
    expect_next(&log, 46, 50);
    expect_nothing(&log);
    assert_ok(webhook_log_flush(&log, false));
    webhook_log_close(&log);
    open_log(&log);
    expect_nothing(&log);
    char name[64];
    assert_false(scratch_find(&scratch, "stem.", name)); /* what is done with is gone */
    webhook_log_close(&log);
}

static void test_restarts(void **state)
{
    (void)state;
    in_core(restarts);
}

/* Wherever a crash tore the end off: whole events are there, in order, and new ones follow. */
static void torn(void)
{
    struct webhook_log log;
    char name[64], path[256];
    static char bytes[4096];
    open_log(&log);
    size_t ends[6];
    for (unsigned n = 1; n <= 5; n++) {
        assert_true(add(&log, n, n * 7));
        assert_ok(webhook_log_flush(&log, false));
        ends[n] = log.size;
    }
    webhook_log_close(&log);
    assert_true(scratch_find(&scratch, "stem.", name));
    snprintf(path, sizeof path, "%s/%s", scratch.path, name);
    int fd = open(path, O_RDONLY);
    ssize_t size = read(fd, bytes, sizeof bytes);
    close(fd);
    assert_int_equal(size, ends[5]);
    for (ssize_t end = 0; end <= size; end++) {
        while (scratch_find(&scratch, "stem.", name))
            assert_int_equal(unlinkat(directory, name, 0), 0);
        fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        assert_int_equal(write(fd, bytes, (size_t)end), end);
        close(fd);
        unsigned whole = 0;
        while (whole < 5 && ends[whole + 1] <= (size_t)end)
            whole++;
        open_log(&log);
        assert_int_equal(log.waiting, whole);
        assert_true(add(&log, whole + 1, 1));
        assert_ok(webhook_log_flush(&log, false));
        expect_next(&log, 1, whole + 1);
        expect_nothing(&log);
        webhook_log_close(&log);
    }
}

static void test_torn_at_every_byte(void **state)
{
    (void)state;
    in_core(torn);
}

/* Rot anywhere costs at most one event, and holds nobody up. */
static void rotten(void)
{
    struct webhook_log log;
    char name[64];
    open_log(&log);
    for (unsigned n = 1; n <= 5; n++)
        assert_true(add(&log, n, 20));
    assert_ok(webhook_log_flush(&log, false));
    off_t size = (off_t)log.size;
    webhook_log_close(&log);
    assert_true(scratch_find(&scratch, "stem.", name));
    int fd = openat(directory, name, O_RDWR);
    for (off_t at = sizeof(struct frame_header); at < size; at++) {
        char byte, other;
        assert_int_equal(pread(fd, &byte, 1, at), 1);
        other = (char)(byte ^ 0x55);
        assert_int_equal(pwrite(fd, &other, 1, at), 1);
        open_log(&log);
        struct webhook_batch batch = read_batch(&log, 10, 0);
        assert_in_range(batch.count, 4, 5);
        webhook_log_taken(&log, batch.last);
        expect_nothing(&log);
        webhook_log_close(&log);
        assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    }
    close(fd);
}

static void test_rot_at_every_byte(void **state)
{
    (void)state;
    in_core(rotten);
}

/* DISK_MAX: the oldest go, with their files; the newest stay. WEBHOOK_LOG_STAGED_MAX: no more is
 * taken before the disk has it. */
static void bounds(void)
{
    struct webhook_log log;
    unsigned n = 0;
    open_log(&log);
    for (int i = 0; i < 40; i++) {
        while (add(&log, n + 1, 5000))
            n++;
        assert_true(log.staged.size <= WEBHOOK_LOG_STAGED_MAX);
        assert_ok(webhook_log_flush(&log, false));
        assert_true(log.size <= DISK_MAX);
    }
    struct webhook_batch batch = read_batch(&log, 1, 0);
    unsigned first = (unsigned)batch.youngest;
    assert_in_range(first, 2, n - (DISK_MAX - 3 * WEBHOOK_LOG_FILE_SIZE_MIN) / 5100);
    assert_int_equal(log.waiting, n - first);
    webhook_log_taken(&log, batch.last);
    for (unsigned at = first + 1; at <= n;) { /* each once, in order, over all files */
        batch = read_batch(&log, 100, 0);
        expect(&batch, at, at + batch.count - 1);
        at += batch.count;
        webhook_log_taken(&log, batch.last);
    }
    expect_nothing(&log);
    assert_ok(webhook_log_flush(&log, false));
    assert_true(log.size <= 3 * WEBHOOK_LOG_FILE_SIZE_MIN); /* read files are gone */
    webhook_log_close(&log);
}

static void test_bounds(void **state)
{
    (void)state;
    in_core(bounds);
}

/* A request in hand when its events are dropped is still good; nothing comes twice or backwards. */
static void dropped_in_hand(void)
{
    struct webhook_log log;
    unsigned n = 0;
    open_log(&log);
    while (n < 100 && add(&log, n + 1, 5000))
        n++;
    assert_ok(webhook_log_flush(&log, false));
    struct webhook_batch batch = read_batch(&log, 10, 0);
    expect(&batch, 1, 10);
    for (int i = 0; i < 20; i++) {
        while (add(&log, n + 1, 5000))
            n++;
        assert_ok(webhook_log_flush(&log, false));
    }
    webhook_log_taken(&log, batch.last);
    batch = read_batch(&log, 1, 0);
    assert_in_range(batch.youngest, 11, n);
    webhook_log_close(&log);
}

static void test_dropped_in_hand(void **state)
{
    (void)state;
    in_core(dropped_in_hand);
}

/* Events that nobody took for too long are passed over and counted. */
static void expiry(void)
{
    struct webhook_log log;
    open_log(&log);
    for (unsigned n = 1; n <= 30; n++)
        assert_true(add(&log, n, 1));
    struct webhook_batch batch = read_batch(&log, 5, 21);
    expect(&batch, 21, 25);
    assert_int_equal(batch.expired, 20);
    batch = read_batch(&log, 5, 1000);
    assert_int_equal(batch.count, 0);
    assert_int_equal(batch.expired, 5);
    webhook_log_taken(&log, batch.last);
    assert_true(webhook_log_is_empty(&log));
    webhook_log_close(&log);
}

static void test_expiry(void **state)
{
    (void)state;
    in_core(expiry);
}

/* A disk that refuses: what is in memory is read and done with; later all is as before. */
static void refusing(void)
{
    struct webhook_log log;
    open_log(&log);
    scratch_forbid(&scratch);
    for (unsigned n = 1; n <= 10; n++)
        assert_true(add(&log, n, 1));
    assert_true(failed(webhook_log_flush(&log, false)));
    for (unsigned n = 11; n <= 20; n++)
        assert_true(add(&log, n, 1));
    expect_next(&log, 1, 15);
    assert_true(failed(webhook_log_flush(&log, false)));
    scratch_allow(&scratch);
    close(directory);
    directory = log.directory = log.file.directory =
        open(scratch.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_ok(webhook_log_flush(&log, true));
    webhook_log_close(&log);
    open_log(&log);
    expect_next(&log, 16, 20);
    expect_nothing(&log);
    webhook_log_close(&log);
}

static void test_refusing_disk(void **state)
{
    (void)state;
    in_core(refusing);
}

/* Files of receivers that are no more go once they are old; those of others stay. */
static void cleaned(void)
{
    static const char *const stems[] = {"stem"};
    struct webhook_log log, other;
    char name[64];
    open_log(&log);
    assert_ok(webhook_log_open(&other, directory, "gone-1", DISK_MAX));
    add(&log, 1, 1);
    add(&other, 1, 1);
    assert_ok(webhook_log_flush(&log, false));
    assert_ok(webhook_log_flush(&other, false));
    assert_ok(webhook_log_clean(directory, stems, 1, 3600));
    assert_true(scratch_find(&scratch, "gone-1.", name));
    assert_ok(webhook_log_clean(directory, stems, 1, -10));
    assert_false(scratch_find(&scratch, "gone-1.", name));
    assert_true(scratch_find(&scratch, "stem.", name));
    webhook_log_close(&log);
    webhook_log_close(&other);
    static char stem[WEBHOOK_LOG_STEM_SIZE_MAX + 2];
    memset(stem, 'a', WEBHOOK_LOG_STEM_SIZE_MAX + 1);
    assert_error(webhook_log_open(&log, directory, stem, DISK_MAX), ERROR_LIMIT);
    stem[WEBHOOK_LOG_STEM_SIZE_MAX] = '\0';
    assert_ok(webhook_log_open(&log, directory, stem, 1000 * (uint64_t)WEBHOOK_LOG_FILE_SIZE_MAX));
    assert_int_equal(log.file_size, WEBHOOK_LOG_FILE_SIZE_MAX);
    webhook_log_close(&log);
}

static void test_cleaned(void **state)
{
    (void)state;
    in_core(cleaned);
}

/* What was put aside stays as long as its events would have, counted from then, and no longer. */
static void cleaned_aside(void)
{
    static const char *const stems[] = {"stem"};
    static const char *const kinds[] = {"damaged", "unknown"};
    char name[64];
    for (int i = 0; i < 2; i++) {
        for (int hours = 0; hours < 3; hours++) {
            snprintf(name, sizeof name, "stem.0000000%d.%s-%lld", hours, kinds[i],
                     (long long)time_wall_seconds() - hours * 3600);
            close(openat(directory, name, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
        }
        assert_ok(webhook_log_clean(directory, stems, 1, 5400));
        snprintf(name, sizeof name, "stem.00000000.%s-", kinds[i]);
        assert_true(scratch_find(&scratch, name, name));
        snprintf(name, sizeof name, "stem.00000001.%s-", kinds[i]);
        assert_true(scratch_find(&scratch, name, name));
        snprintf(name, sizeof name, "stem.00000002.%s-", kinds[i]);
        assert_false(scratch_find(&scratch, name, name));
    }
    /* A word that only looks like it goes by when it was written. */
    close(openat(directory, "stem.00000003.damaged-1x", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    assert_ok(webhook_log_clean(directory, stems, 1, 5400));
    assert_true(scratch_find(&scratch, "stem.00000003.damaged-1x", name));
}

static void test_cleaned_aside(void **state)
{
    (void)state;
    in_core(cleaned_aside);
}

static void test_records(void **state)
{
    (void)state;
    struct webhook_event event = {.number = 3, .time = 5, .json = SLICE("{\"a\":1}")}, back;
    struct buffer out;
    uint64_t number;
    buffer_init(&out, 1000);
    webhook_event_write(&out, 9, &event);
    webhook_taken_write(&out, 9, 8);
    struct frame_scan scan = {
        .window = buffer_slice(&out), .salt = 9, .kind_last = WEBHOOK_KIND_LAST, .last = true};
    unsigned kind;
    slice payload;
    assert_int_equal(frame_scan_next(&scan, &kind, &payload), FRAME_SCAN_RECORD);
    assert_int_equal(kind, WEBHOOK_EVENT);
    assert_ok(webhook_event_read(payload, &back));
    assert_true(back.number == 3 && back.time == 5 && slice_equal(back.json, event.json));
    for (size_t size = 0; size < payload.size; size++)
        assert_error(webhook_event_read(slice_sub(payload, 0, size), &back), ERROR_MALFORMED);
    assert_int_equal(frame_scan_next(&scan, &kind, &payload), FRAME_SCAN_RECORD);
    assert_int_equal(kind, WEBHOOK_TAKEN);
    assert_ok(webhook_taken_read(payload, &number));
    assert_int_equal(number, 8);
    assert_error(webhook_taken_read(slice_sub(payload, 0, 7), &number), ERROR_MALFORMED);
    buffer_close(&out);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_from_memory_and_files),
        TEST(test_restarts),
        TEST(test_torn_at_every_byte),
        TEST(test_rot_at_every_byte),
        TEST(test_bounds),
        TEST(test_dropped_in_hand),
        TEST(test_expiry),
        TEST(test_refusing_disk),
        TEST(test_cleaned),
        TEST(test_cleaned_aside),
        TEST(test_records),
    };
    log_configure(open("/dev/null", O_WRONLY | O_CLOEXEC), LOG_ERROR, LOG_LOGFMT);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
