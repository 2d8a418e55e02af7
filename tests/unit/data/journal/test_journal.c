/* SPDX-License-Identifier: GPL-3.0-or-later
 * The journal: what was committed is read back in order, whatever the file looks like behind it. */
#include "check.h"
#include "scratch.h"

#include "base/random.h"
#include "crypto/crc32c.h"
#include "data/journal/segment.h"
#include "runtime/core.h"
#include "runtime/crew.h"
#include "runtime/fiber.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct scratch scratch;
static unsigned syncs;

static int set_up(void **state)
{
    (void)state;
    syncs = 0;
    scratch_make(&scratch);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    scratch_remove(&scratch);
    return 0;
}

static error count_sync(void *argument)
{
    (void)argument;
    __atomic_add_fetch(&syncs, 1, __ATOMIC_RELAXED);
    return OK;
}

static struct journal_options options(void)
{
    return (struct journal_options){.directory = scratch.path,
                                    .segment_size = 1 << 20,
                                    .segment_count = 3,
                                    .staging_size = 64 << 10,
                                    .make_durable = count_sync};
}

/* A record tells its number and its size, so that reading back can check it. */
static size_t fill(char *to, uint64_t number, size_t size)
{
    memset(to, (int)('a' + number % 26), size);
    memcpy(to, &number, sizeof number);
    return size;
}

static void append(uint64_t number, size_t size, bool settle)
{
    char *bytes = malloc(size);
    fill(bytes, number, size);
    /* In uneven parts, an empty one among them. */
    slice parts[3] = {slice_of(bytes, size / 3), SLICE_EMPTY,
                      slice_of(bytes + size / 3, size - size / 3)};
    struct journal_ticket ticket;
    assert_ok(journal_append(JOURNAL_KIND_DELIVERY, parts, 3, time_after(30 * TIME_S), &ticket));
    assert_ok(journal_commit_wait(&ticket));
    if (settle)
        journal_settle(&ticket);
    free(bytes);
}

static uint64_t number_of(slice payload)
{
    uint64_t number;
    assert_true(payload.size >= sizeof number);
    memcpy(&number, payload.data, sizeof number);
    for (size_t i = sizeof number; i < payload.size; i++)
        assert_int_equal(payload.data[i], (char)('a' + number % 26));
    return number;
}

static unsigned read_back(uint64_t first)
{
    struct journal_reader *reader;
    struct journal_record record;
    unsigned count = 0;
    error end;
    assert_ok(journal_reader_open(scratch.path, &reader));
    while (!failed(end = journal_reader_next(reader, &record)))
        assert_int_equal(number_of(record.payload), first + count++);
    assert_error(end, ERROR_CLOSED);
    journal_reader_close(&reader);
    return count;
}

static void (*present_body)(void);
static void run_body(void *unused)
{
    (void)unused;
    struct journal_options o = options();
    assert_ok(journal_open(&o));
    present_body();
}

/* As kill -9 leaves it. */
static void killed_after(void (*body)(void))
{
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        present_body = body;
        error_ignore(core_run_here(NULL, run_body, NULL));
        _exit(1);
    }
    int status;
    waitpid(child, &status, 0);
    assert_int_equal(status, 0);
}

static void append_sizes(void)
{
    static const size_t sizes[] = {8, 9, 4032, 4064, 4096, 60000, 65536, 70000, 400000, 100};
    for (unsigned i = 0; i < 10; i++)
        append(i, sizes[i], false);
    _exit(0);
}

static void test_records_of_all_sizes_come_back(void **state)
{
    (void)state;
    killed_after(append_sizes);
    assert_int_equal(read_back(0), 10);
}

/* Both have appended before either goes on, and the disk is at work then. */
static unsigned appended, went_on;
static void append_and_begin(void *number)
{
    char bytes[100];
    slice part = slice_of(bytes, fill(bytes, (uintptr_t)number, sizeof bytes));
    struct journal_ticket ticket;
    assert_ok(journal_append(JOURNAL_KIND_DELIVERY, &part, 1, time_after(30 * TIME_S), &ticket));
    appended++;
    journal_begin_wait(&ticket);
    assert_int_equal(appended, 2);
    went_on++;
    assert_ok(journal_commit_wait(&ticket));
    journal_begin_wait(&ticket); /* long over: returns at once */
}

static void append_together(void)
{
    struct crew crew;
    crew_init(&crew, NULL);
    for (uintptr_t i = 0; i < 2; i++)
        assert_ok(fiber_start(&crew, "test.append", append_and_begin, (void *)i));
    assert_ok(crew_join(&crew, time_after(30 * TIME_S)));
    _exit(went_on == 2 ? 0 : 3);
}

static void test_a_turn_appends_first(void **state)
{
    (void)state;
    killed_after(append_together);
    assert_int_equal(read_back(0), 2);
}

static void append_and_close(void)
{
    for (unsigned i = 0; i < 10; i++)
        append(i, 1000, true);
    journal_close();
    _exit(syncs == 1 ? 0 : 2);
}

static void test_a_closed_journal_is_empty(void **state)
{
    (void)state;
    killed_after(append_and_close);
    assert_int_equal(read_back(0), 0);
}

static void append_and_close_unsettled(void)
{
    append(0, 1000, false);
    journal_close();
    _exit(0);
}

static void test_what_is_not_settled_stays(void **state)
{
    (void)state;
    killed_after(append_and_close_unsettled);
    assert_int_equal(read_back(0), 1);
}

/* What no record tells of is synced as well, once, and not before its time. */
static void change_and_wait(void)
{
    journal_close(); /* it was opened with the usual age */
    unsigned before = syncs;
    struct journal_options o = options();
    o.checkpoint_age = 200 * TIME_MS;
    assert_ok(journal_open(&o));
    assert_ok(fiber_sleep(400 * TIME_MS));
    if (syncs != before)
        _exit(2);
    instant noted = time_now();
    journal_note_change();
    journal_note_change();
    for (int i = 0; i < 3000 && syncs == before; i++)
        assert_ok(fiber_sleep(10 * TIME_MS));
    if (syncs != before + 1 || time_now() - noted < 190 * TIME_MS)
        _exit(3);
    assert_ok(fiber_sleep(400 * TIME_MS));
    _exit(syncs == before + 1 ? 0 : 4);
}

static void test_a_change_without_a_record_is_synced(void **state)
{
    (void)state;
    killed_after(change_and_wait);
}

static void wrap(void)
{
    for (unsigned i = 0; i < 500; i++)
        append(i, 20000, true);
    if (syncs < 5)
        _exit(2);
    _exit(0);
}

static void test_segments_are_recycled_after_a_checkpoint(void **state)
{
    (void)state;
    killed_after(wrap);
    struct journal_reader *reader;
    struct journal_record record;
    assert_ok(journal_reader_open(scratch.path, &reader));
    uint64_t last = 0;
    unsigned count = 0;
    while (!failed(journal_reader_next(reader, &record))) {
        uint64_t number = number_of(record.payload);
        assert_true(count++ == 0 || number == last + 1);
        last = number;
    }
    assert_int_equal(last, 499); /* a suffix, without a hole */
    assert_true(count < 200);
    assert_int_equal(journal_reader_summary(reader).corrupt, 0);
    journal_reader_close(&reader);
}

static void fill_up(void)
{
    /* Nothing is settled: the ring fills and appends are refused at their deadline. */
    static char bytes[100000];
    slice part = slice_of(bytes, sizeof bytes);
    struct journal_ticket tickets[64], ticket;
    unsigned count = 0;
    error refused = OK;
    while (!failed(refused = journal_append(JOURNAL_KIND_DELIVERY, &part, 1,
                                            time_after(200 * TIME_MS), &ticket)))
        tickets[count++] = ticket;
    if (refused.kind != ERROR_TIMEOUT || count < 25)
        _exit(2);
    for (unsigned i = 0; i < count; i++)
        journal_settle(&tickets[i]);
    if (failed(journal_append(JOURNAL_KIND_DELIVERY, &part, 1, time_after(30 * TIME_S), &ticket)) ||
        failed(journal_commit_wait(&ticket)))
        _exit(3);
    part = slice_of(bytes, sizeof bytes);
    slice huge[JOURNAL_PART_COUNT_MAX];
    for (unsigned i = 0; i < 20; i++)
        huge[i] = part;
    if (journal_append(JOURNAL_KIND_DELIVERY, huge, 20, TIME_NEVER, &ticket).kind != ERROR_LIMIT)
        _exit(4);
    _exit(0);
}

static void test_a_full_ring_presses_back(void **state)
{
    (void)state;
    killed_after(fill_up);
}

static unsigned left;
static void appender(void *argument)
{
    append((uint64_t)(uintptr_t)argument, 600, true);
    left--;
}

static void many_at_once(void)
{
    struct crew crew;
    crew_init(&crew, NULL);
    left = 200;
    for (uintptr_t i = 0; i < 200; i++)
        assert_ok(fiber_start(&crew, "append", appender, (void *)i));
    assert_ok(crew_join(&crew, time_after(30 * TIME_S)));
    _exit(left == 0 ? 0 : 2);
}

static void test_many_share_a_flush(void **state)
{
    (void)state;
    killed_after(many_at_once);
    assert_int_equal(read_back(0), 200);
    /* 200 records of 600 bytes in flushes of at least 4096: far fewer than one each. */
    char path[128];
    snprintf(path, sizeof path, "%s/journal-000-000", scratch.path);
    char *bytes = malloc(1 << 20);
    int fd = open(path, O_RDONLY);
    assert_int_equal(read(fd, bytes, 1 << 20), 1 << 20);
    close(fd);
    struct journal_scan scan;
    struct journal_fragment fragment;
    slice payload;
    assert_true(journal_scan_begin(&scan, slice_of(bytes, 1 << 20)));
    unsigned flushes = 0;
    while (journal_scan_next(&scan, &fragment, &payload))
        flushes += fragment.flags & JOURNAL_FRAGMENT_FLUSH ? 1 : 0;
    assert_true(flushes <= 10);
    free(bytes);
}

static void append_few(void)
{
    for (unsigned i = 0; i < 6; i++)
        append(i, i == 3 ? 9000 : 300, false);
    _exit(0);
}

/* Truncated to zeros or overwritten with rubbish from any byte on: a prefix of the records, each
 * one whole. */
static void test_a_torn_tail_costs_only_itself(void **state)
{
    (void)state;
    killed_after(append_few);
    char path[128];
    snprintf(path, sizeof path, "%s/journal-000-000", scratch.path);
    size_t size = 1 << 20, used = 44 * 1024;
    char *good = malloc(size), *bad = malloc(size);
    int fd = open(path, O_RDONLY);
    assert_int_equal(read(fd, good, size), (ssize_t)size);
    close(fd);
    uint64_t counts[8] = {0};
    for (size_t cut = JOURNAL_BLOCK_SIZE; cut < used; cut++)
        for (int how = 0; how < 2; how++) {
            memcpy(bad, good, cut);
            memset(bad + cut, how ? 0x5a : 0, used - cut);
            struct journal_scan scan;
            struct journal_fragment fragment;
            slice payload;
            unsigned count = 0;
            assert_true(journal_scan_begin(&scan, slice_of(bad, used)));
            while (journal_scan_next(&scan, &fragment, &payload)) {
                assert_true(fragment.flags & JOURNAL_FRAGMENT_FIRST);
                assert_int_equal(number_of(payload), count++);
            }
            assert_false(scan.damaged);
            counts[count]++;
        }
    for (int i = 0; i <= 6; i++)
        assert_true(counts[i] > 0);
    /* One byte wrong anywhere: that record is missing, those of other flushes are not. */
    for (size_t at = 0; at < used; at += 7) {
        memcpy(bad, good, used);
        bad[at] ^= 0x10;
        struct journal_scan scan;
        struct journal_fragment fragment;
        slice payload;
        unsigned count = 0;
        uint64_t last = 0;
        if (!journal_scan_begin(&scan, slice_of(bad, used)))
            continue;
        while (journal_scan_next(&scan, &fragment, &payload)) {
            uint64_t number = number_of(payload);
            assert_true(count == 0 || number > last);
            last = number;
            count++;
        }
        assert_true(count >= 5);
        assert_true(scan.damaged || count == 6 || last < 5);
    }
    free(good);
    free(bad);
}

/* Two writes of one flush may reach the disk in either order: a record behind a hole of the same
 * flush is not given. */
static void test_nothing_behind_a_hole_in_a_flush(void **state)
{
    (void)state;
    enum { SIZE = 8 * JOURNAL_BLOCK_SIZE };
    char *bytes = calloc(1, SIZE);
    journal_segment_header_write((struct journal_segment_header){.state = JOURNAL_SEGMENT_LIVE,
                                                                 .generation = 1,
                                                                 .salt = 77,
                                                                 .size = SIZE,
                                                                 .first_flush = 1},
                                 bytes);
    size_t at = JOURNAL_BLOCK_SIZE;
    for (unsigned i = 0; i < 3; i++) { /* each exactly one block */
        size_t size = JOURNAL_BLOCK_SIZE - sizeof(struct journal_fragment);
        uint8_t flags = JOURNAL_FRAGMENT_FIRST | JOURNAL_FRAGMENT_LAST;
        uint32_t crc = journal_fragment_start(
            bytes + at,
            (struct journal_fragment){.size = (uint32_t)size,
                                      .salt = 77,
                                      .flush = 1,
                                      .kind = 1,
                                      .flags = i ? flags : flags | JOURNAL_FRAGMENT_FLUSH});
        fill(bytes + at + sizeof(struct journal_fragment), i, size);
        crc = crc32c(crc, slice_of(bytes + at + sizeof(struct journal_fragment), size));
        journal_fragment_finish(bytes + at, crc);
        at += JOURNAL_BLOCK_SIZE;
    }
    struct journal_scan scan;
    struct journal_fragment fragment;
    slice payload;
    unsigned count = 0;
    assert_true(journal_scan_begin(&scan, slice_of(bytes, SIZE)));
    while (journal_scan_next(&scan, &fragment, &payload))
        count++;
    assert_int_equal(count, 3);
    memset(bytes + 2 * JOURNAL_BLOCK_SIZE, 0, JOURNAL_BLOCK_SIZE); /* the second never arrived */
    count = 0;
    assert_true(journal_scan_begin(&scan, slice_of(bytes, SIZE)));
    while (journal_scan_next(&scan, &fragment, &payload))
        count++;
    assert_int_equal(count, 1);
    assert_true(scan.tail_ignored);
    free(bytes);
}

static void two_uses(void)
{
    append(0, 5000, true);
    append(1, 5000, true);
    append(2, 5000, true);
    journal_close();
    struct journal_options o = options();
    if (failed(journal_open(&o)))
        _exit(2);
    append(7, 100, false);
    _exit(0);
}

static void test_records_of_an_earlier_use_are_not_replayed(void **state)
{
    (void)state;
    killed_after(two_uses);
    assert_int_equal(read_back(7), 1);
}

static void open_unreplayed(void *unused)
{
    (void)unused;
    struct journal_options o = options();
    _exit(journal_open(&o).kind == ERROR_BUG ? 0 : 9);
}

static void test_an_unreplayed_journal_is_not_opened(void **state)
{
    (void)state;
    killed_after(append_few);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0)
        error_ignore(core_run_here(NULL, open_unreplayed, NULL));
    int status;
    waitpid(child, &status, 0);
    assert_int_equal(status, 0);
    struct journal_options o = options();
    assert_ok(journal_recycle_all(&o, 1));
    assert_int_equal(read_back(0), 0);
}

static void test_recycling_removes_what_is_not_used(void **state)
{
    (void)state;
    killed_after(append_few);
    struct journal_options o = options();
    o.segment_count = 2;
    assert_ok(journal_recycle_all(&o, 1));
    char path[128];
    snprintf(path, sizeof path, "%s/journal-000-002", scratch.path);
    assert_int_equal(access(path, F_OK), -1);
    snprintf(path, sizeof path, "%s/journal-000-001", scratch.path);
    assert_int_equal(access(path, F_OK), 0);
    assert_ok(journal_recycle_all(&o, 0));
    assert_int_equal(access(path, F_OK), -1);
}

#define JOURNAL_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        JOURNAL_TEST(test_records_of_all_sizes_come_back),
        JOURNAL_TEST(test_a_turn_appends_first),
        JOURNAL_TEST(test_a_closed_journal_is_empty),
        JOURNAL_TEST(test_what_is_not_settled_stays),
        JOURNAL_TEST(test_a_change_without_a_record_is_synced),
        JOURNAL_TEST(test_segments_are_recycled_after_a_checkpoint),
        JOURNAL_TEST(test_a_full_ring_presses_back),
        JOURNAL_TEST(test_many_share_a_flush),
        JOURNAL_TEST(test_a_torn_tail_costs_only_itself),
        JOURNAL_TEST(test_nothing_behind_a_hole_in_a_flush),
        JOURNAL_TEST(test_records_of_an_earlier_use_are_not_replayed),
        JOURNAL_TEST(test_an_unreplayed_journal_is_not_opened),
        JOURNAL_TEST(test_recycling_removes_what_is_not_used),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
