/* SPDX-License-Identifier: GPL-3.0-or-later
 * When bodies leave memory, where they go, and what is done with the space. */
#include "in_queue.h"

#include <signal.h>
#include <sys/resource.h>

enum { MANY = 200 };

static queue_id *ids;
static char *text; /* as large as a test wants it */

static int set_up_ids(void **state)
{
    ids = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    text = calloc(1, (4 << 20) + 1);
    return set_up(state);
}

static int tear_down_ids(void **state)
{
    munmap(ids, 1 << 20);
    free(text);
    return tear_down(state);
}

static const char *text_of(unsigned number, size_t size)
{
    memset(text, (int)('a' + number % 26), size);
    text[size] = '\0';
    return text;
}

static void add_many(unsigned count, size_t size)
{
    for (unsigned i = 0; i < count; i++)
        ids[i] = submit("a@one.example", text_of(i, size));
}

static void spool_all(void)
{
    for (struct queue_mail *mail = queue_keep_next(NULL); mail; mail = queue_keep_next(mail))
        queue_keep_state(mail, NULL);
    MUST(queue_keep_sync());
    assert_int_equal(queue_keep_memory_bytes(), 0);
}

static void assert_texts(unsigned count, unsigned step, size_t size)
{
    for (unsigned i = 0; i < count; i += step)
        assert_content(find(ids[i]), "Received: x\r\n", text_of(i, size));
}

static uint64_t files_bytes(void)
{
    DIR *listing = opendir(in_root("state/queue"));
    uint64_t bytes = 0;
    for (struct dirent *entry; (entry = readdir(listing));) {
        struct stat status;
        if (strncmp(entry->d_name, "spool-", 6) == 0 &&
            fstatat(dirfd(listing), entry->d_name, &status, 0) == 0)
            bytes += (uint64_t)status.st_size;
    }
    closedir(listing);
    return bytes;
}

static void reuse(void)
{
    for (unsigned round = 0; round < 6; round++) {
        add_many(MANY, 10000);
        spool_all();
        assert_texts(MANY, 7, 10000);
        assert_true(queue_keep_spool_bytes() >= MANY * 10000);
        for (unsigned i = 0; i < MANY; i++)
            finish(ids[i]);
        assert_int_equal(queue_keep_spool_bytes(), 0);
        MUST(queue_keep_sync());
        assert_true(keep_here.spool.size <= test_settings.spool_segment_size);
        assert_true(files_bytes() <= test_settings.spool_segment_size);
        /* A round needs 33 files: so many are kept, the others are removed. */
        assert_int_equal(keep_here.spool.empty_count, SPOOL_EMPTY_MAX);
    }
}

static void test_segments_are_used_again(void **state)
{
    (void)state;
    test_settings.spool_segment_size = 64 << 10;
    with_queue(reuse);
}

static void compact(void)
{
    add_many(MANY, 20000);
    spool_all();
    uint64_t full = keep_here.spool.size;
    for (unsigned i = 0; i < MANY; i++)
        if (i % 10)
            finish(ids[i]);
    struct queue_content *pinned = find(ids[0])->content;
    const struct spool_segment *segment = pinned->segment;
    pinned->out++; /* its reader knows the place */
    for (unsigned i = 0; i < 60; i++)
        MUST(queue_keep_sync());
    assert_ptr_equal(pinned->segment, segment);
    pinned->out--;
    assert_true(keep_here.spool.size < full / 2);
    assert_texts(MANY, 10, 20000);
}

static void check_compacted(void)
{
    assert_int_equal(queue_keep_count(), MANY / 10);
    assert_texts(MANY, 10, 20000);
}

static void compact_and_die(void)
{
    compact();
    killed();
}

static void test_mostly_dead_segments_are_emptied(void **state)
{
    (void)state;
    test_settings.spool_segment_size = 128 << 10;
    with_queue_killed(compact_and_die);
    with_queue(check_compacted);
    with_queue(check_compacted);
}

static void add_large(void)
{
    ids[0] = submit("a@one.example", text_of(0, 700000));
    ids[1] = submit("a@one.example", text_of(1, 10));
    spool_all();
}

static void check_large(void)
{
    assert_texts(1, 1, 700000);
    assert_content(find(ids[1]), "Received: x\r\n", text_of(1, 10));
}

static void test_a_body_larger_than_a_segment(void **state)
{
    (void)state;
    test_settings.spool_segment_size = 64 << 10;
    with_queue(add_large);
    with_queue(check_large);
}

static void add_huge_and_die(void)
{
    ids[0] = submit("a@one.example", text_of(0, 3 << 20));
    assert_true(find(ids[0])->logged);
    killed();
}

static void check_huge(void)
{
    assert_int_equal(queue_keep_count(), 1);
    assert_texts(1, 1, 3 << 20);
}

static void test_a_body_larger_than_the_journal_can_take(void **state)
{
    (void)state;
    with_queue_killed(add_huge_and_die);
    with_queue(check_huge);
}

static void wait_for_memory_below(uint64_t bytes)
{
    instant patience = time_after(20 * TIME_S);
    while (queue_keep_memory_bytes() > bytes) {
        assert_true(time_now() < patience);
        assert_ok(fiber_sleep(TIME_MS));
    }
}

static void fill_memory(void)
{
    add_many(MANY, 1000);
    wait_for_memory_below(test_settings.memory_max);
    assert_true(queue_keep_memory_bytes() > 0);
    assert_texts(MANY, 1, 1000);
}

static void test_memory_max(void **state)
{
    (void)state;
    test_settings.memory_max = 320 << 10; /* a small body takes 16 KiB */
    with_queue(fill_memory);
}

static void grow_old(void)
{
    add_many(10, 1000);
    assert_true(queue_keep_memory_bytes() > 0);
    wait_for_memory_below(0);
    assert_texts(10, 1, 1000);
}

static void test_memory_age(void **state)
{
    (void)state;
    test_settings.memory_age = 20 * TIME_MS;
    with_queue(grow_old);
}

/* Five times the journal's ring, none of it finished. */
static void press(void)
{
    add_many(MANY, 100000);
    assert_texts(MANY, 9, 100000);
}

static void check_pressed(void)
{
    assert_int_equal(queue_keep_count(), MANY);
    assert_texts(MANY, 9, 100000);
}

static void test_the_journal_never_stays_full(void **state)
{
    (void)state;
    with_queue(press);
    with_queue(check_pressed);
}

static void meet_mails_max(void)
{
    const char *to = "a@one.example";
    queue_id id;
    add_many(5, 10);
    assert_error(submit_to(&to, 1, "", "x", &id), ERROR_BUSY);
    finish(ids[3]);
    MUST(submit_to(&to, 1, "", "x", &id));
    assert_error(submit_to(&to, 1, "", "x", &id), ERROR_BUSY);
}

static void meet_mails_max_again(void)
{
    const char *to = "a@one.example";
    queue_id id;
    assert_error(submit_to(&to, 1, "", "x", &id), ERROR_BUSY);
}

static void test_mails_max(void **state)
{
    (void)state;
    test_settings.mails_max = 5;
    with_queue(meet_mails_max);
    with_queue(meet_mails_max_again);
}

static void meet_envelopes_max(void)
{
    struct queue_recipient to = {.address = SLICE("a@b")};
    struct queue_envelope envelopes[QUEUE_ENVELOPES_MAX + 1];
    for (unsigned i = 0; i <= QUEUE_ENVELOPES_MAX; i++)
        envelopes[i] = (struct queue_envelope){.prefix = slice_of("123456789012345678", i + 1),
                                               .recipients = &to,
                                               .recipient_count = 1};
    struct body body;
    body_init(&body, 100);
    MUST(body_append(&body, SLICE("text")));
    struct queue_submission submission = {envelopes, QUEUE_ENVELOPES_MAX + 1, &body, 0};
    assert_error(queue_submit(&submission), ERROR_LIMIT);
    submission.count = 0;
    assert_error(queue_submit(&submission), ERROR_LIMIT);
    assert_int_equal(queue_keep_count(), 0);
    submission.count = QUEUE_ENVELOPES_MAX;
    MUST(queue_submit(&submission));
    for (unsigned i = 0; i < QUEUE_ENVELOPES_MAX; i++)
        ids[i] = envelopes[i].id;
    spool_all();
    finish(ids[0]); /* the others share its body on */
}

static void check_sharers(void)
{
    assert_int_equal(queue_keep_count(), QUEUE_ENVELOPES_MAX - 1);
    for (unsigned i = 1; i < QUEUE_ENVELOPES_MAX; i++) {
        struct queue_mail *mail = find(ids[i]);
        char prefix[20] = "";
        memcpy(prefix, "123456789012345678", i + 1);
        assert_content(mail, prefix, "text");
        assert_ptr_equal(mail->content, find(ids[1])->content);
        assert_int_equal(mail->content->references, QUEUE_ENVELOPES_MAX - 1);
    }
}

static void test_many_envelopes_share_a_body(void **state)
{
    (void)state;
    with_queue(meet_envelopes_max);
    with_queue(check_sharers);
}

static void add_in_mode(void)
{
    add_many(50, 500);
    if (test_durability == JOURNAL_DURABILITY_FSYNC)
        for (unsigned i = 0; i < 50; i++)
            assert_true(find(ids[i])->logged && !find(ids[i])->content->memory);
    else
        spool_all();
    for (unsigned i = 1; i < 50; i += 2)
        finish(ids[i]);
    MUST(queue_keep_sync());
    killed();
}

static void check_mode(void)
{
    assert_int_equal(queue_keep_count(), 25);
    assert_texts(50, 2, 500);
}

static void test_other_durabilities(void **state)
{
    (void)state;
    test_durability = *state ? JOURNAL_DURABILITY_NONE : JOURNAL_DURABILITY_FSYNC;
    with_queue_killed(add_in_mode);
    with_queue(check_mode);
    test_durability = JOURNAL_DURABILITY_NONE;
    with_queue(check_mode);
}

/* The log is due to be rewritten at the end of the very round that a submitter waits for. */
static void add_while_log_is_rewritten(void)
{
    ids[0] = submit("a@one.example", text_of(0, 500));
    const struct queue_mail *mail = find(ids[0]);
    uint64_t before = keep_here.log.generation;
    while (keep_here.log.staged.size < QUEUE_LOG_REWRITE_MIN + (1 << 20))
        queue_keep_state(find(ids[0]), &mail->items[0]);
    ids[1] = submit("a@one.example", text_of(1, 500));
    for (unsigned i = 0; keep_here.log.generation == before && i < 5000; i++)
        MUST(fiber_sleep(TIME_MS));
    assert_true(keep_here.log.generation > before);
    killed();
}

static void check_both(void)
{
    assert_int_equal(queue_keep_count(), 2);
    assert_texts(2, 1, 500);
}

static void test_rewriting_misses_nobody(void **state)
{
    (void)state;
    test_durability = JOURNAL_DURABILITY_FSYNC;
    with_queue_killed(add_while_log_is_rewritten);
    with_queue(check_both);
}

static void read_while_spooled(void)
{
    struct body scratch;
    slice body;
    add_many(2, 1000);
    struct queue_mail *mail = find(ids[0]);
    body_init(&scratch, 4096);
    mail->content->out++;
    MUST(queue_content_open(mail->content, &scratch, &body));
    const char *where = body.data;
    queue_keep_state(mail, NULL);
    MUST(queue_keep_sync());
    MUST(queue_keep_sync());
    assert_true(mail->logged);
    assert_non_null(mail->content->memory); /* it is read */
    assert_ptr_equal(where, body.data);
    assert_int_equal(body.data[999], 'a');
    queue_content_release(mail->content, &scratch);
    wait_for_memory_below(17 << 10); /* that of the other */
    assert_null(mail->content->memory);
    MUST(queue_content_open(mail->content, &scratch, &body));
    assert_ptr_equal(body.data, scratch.data + 13);
    queue_content_release(mail->content, &scratch);
    mail->content->out--;
    finish(ids[0]);
}

static void test_what_is_read_stays_in_memory(void **state)
{
    (void)state;
    with_queue(read_while_spooled);
}

/* ---- Two cores ---- */

struct reading {
    struct queue_content *contents[MANY];
    _Atomic bool stop;
    unsigned reads, from_spool;
};
static struct reading reading;

static error read_there(void *unused)
{
    (void)unused;
    while (!atomic_load(&reading.stop))
        for (unsigned i = 0; i < MANY; i++) {
            struct body scratch;
            slice body;
            body_init(&scratch, 4096);
            MUST(queue_content_open(reading.contents[i], &scratch, &body));
            assert_int_equal(body.size, 1000);
            for (size_t at = 0; at < body.size; at++)
                if (body.data[at] != (char)('a' + i % 26))
                    fail_msg("body %u is another's", i);
            reading.reads++;
            reading.from_spool += scratch.data != NULL;
            if (i % 16 == 0)
                assert_ok(fiber_yield());
            queue_content_release(reading.contents[i], &scratch);
        }
    return OK;
}

static void read_from_elsewhere(void)
{
    add_many(MANY, 1000);
    for (unsigned i = 0; i < MANY; i++) {
        reading.contents[i] = find(ids[i])->content;
        reading.contents[i]->out++;
    }
    struct core_batch batch;
    struct core_job job = {.function = read_there};
    core_batch_init(&batch);
    core_batch_start(&batch, 1, &job);
    for (unsigned i = 0; i < MANY; i++) {
        queue_keep_state(find(ids[i]), NULL);
        if (i % 8 == 0)
            assert_ok(fiber_sleep(TIME_MS));
    }
    wait_for_memory_below(0);
    assert_ok(fiber_sleep(20 * TIME_MS));
    atomic_store(&reading.stop, true);
    core_batch_join(&batch);
    MUST(job.result);
    assert_true(reading.reads > MANY);
    assert_true(reading.from_spool > 0 && reading.from_spool < reading.reads);
    for (unsigned i = 0; i < MANY; i++) {
        reading.contents[i]->out--;
        finish(ids[i]);
    }
}

static void test_another_core_reads_what_leaves_memory(void **state)
{
    (void)state;
    test_cores = 2;
    reading = (struct reading){0};
    with_queue(read_from_elsewhere);
}

/* ---- A disk that refuses ---- */

static void set_file_limit(rlim_t bytes)
{
    struct rlimit limit;
    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = bytes;
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
        _exit(3);
}

static void meet_full_disk(void)
{
    const char *to = "a@one.example";
    queue_id id;
    signal(SIGXFSZ, SIG_IGN);
    add_many(20, 5000);
    uint64_t bytes = queue_keep_memory_bytes();
    set_file_limit(1000);
    for (unsigned i = 0; i < 20; i++)
        queue_keep_state(find(ids[i]), NULL);
    assert_true(failed(queue_keep_sync()));
    assert_int_equal(queue_keep_memory_bytes(), bytes); /* memory and journal still have them */
    for (unsigned i = 0; i < 3; i++)
        assert_error(submit_to(&to, 1, "", "refused", &id), ERROR_TEMPORARY);
    assert_int_equal(queue_keep_count(), 20);
    assert_texts(20, 1, 5000);
    set_file_limit(RLIM_INFINITY);
    wait_for_memory_below(0); /* tried again */
    MUST(queue_keep_sync());
    assert_ok(fiber_sleep(300 * TIME_MS)); /* the journal pauses after a failure */
    ids[20] = submit("a@one.example", text_of(20, 5000));
    assert_texts(21, 1, 5000);
    killed();
}

static void check_after_full_disk(void)
{
    assert_int_equal(queue_keep_count(), 21);
    assert_texts(21, 1, 5000);
}

static void test_a_full_disk(void **state)
{
    (void)state;
    with_queue_killed(meet_full_disk);
    with_queue(check_after_full_disk);
}

static void meet_full_disk_in_fsync(void)
{
    const char *to = "a@one.example";
    queue_id id;
    signal(SIGXFSZ, SIG_IGN);
    add_many(3, 100);
    set_file_limit(100);
    for (unsigned i = 0; i < 3; i++)
        if (submit_to(&to, 1, "", "refused", &id).kind == ERROR_NONE)
            _exit(4);
    set_file_limit(RLIM_INFINITY);
    MUST(queue_keep_sync());
    ids[3] = submit("a@one.example", text_of(3, 100));
    killed();
}

static void check_fsync_full_disk(void)
{
    assert_int_equal(queue_keep_count(), 4);
    assert_texts(4, 1, 100);
}

static void test_a_full_disk_without_journal(void **state)
{
    (void)state;
    test_durability = JOURNAL_DURABILITY_FSYNC;
    with_queue_killed(meet_full_disk_in_fsync);
    with_queue(check_fsync_full_disk);
}

/* Nothing can leave memory: new mail waits, then is refused, at twice memory_max and some. */
static void fill_all_memory(void)
{
    struct queue_recipient to = {.address = SLICE("a@b")};
    struct queue_envelope envelope = {.recipients = &to, .recipient_count = 1};
    struct queue_mail *mails[QUEUE_ENVELOPES_MAX];
    struct body body;
    uint64_t max = 2 * test_settings.memory_max + KEEP_MEMORY_EXTRA;
    error refused = OK;
    signal(SIGXFSZ, SIG_IGN);
    set_file_limit(100);
    while (!failed(refused)) {
        body_init(&body, 2 << 20);
        MUST(body_append(&body, slice_of(text, 1 << 20)));
        struct queue_submission submission = {&envelope, 1, &body, time_after(20 * TIME_MS)};
        refused = queue_keep_add(&submission, mails);
        assert_true(queue_keep_memory_bytes() <= max);
    }
    assert_int_equal(refused.kind, ERROR_TEMPORARY);
    assert_int_equal(body.size, 1 << 20); /* its submitter has it still */
    assert_true(queue_keep_memory_bytes() > max - (2 << 20));
    set_file_limit(RLIM_INFINITY);
    wait_for_memory_below(test_settings.memory_max);
    struct queue_submission submission = {&envelope, 1, &body, 0};
    MUST(queue_keep_add(&submission, mails));
    killed();
}

static void test_memory_is_bounded_where_the_disk_refuses(void **state)
{
    (void)state;
    test_durability = JOURNAL_DURABILITY_NONE;
    test_settings.memory_max = 4 << 20;
    with_queue_killed(fill_all_memory);
}

/* ---- Many at once ---- */

static unsigned ended;

static void submit_one(void *number)
{
    unsigned i = (unsigned)(uintptr_t)number;
    ids[i] = submit("a@one.example", "text");
    ended++;
}

static void submit_at_once(void)
{
    struct crew crew;
    ended = 0;
    crew_init(&crew, NULL);
    uint64_t before = keep_here.rounds_done;
    for (uintptr_t i = 0; i < MANY; i++)
        assert_ok(fiber_start(&crew, "submit", submit_one, (void *)i));
    assert_ok(crew_join(&crew, time_after(60 * TIME_S)));
    assert_int_equal(ended, MANY);
    assert_true(keep_here.rounds_done - before < MANY / 10); /* one sync for many */
    crew_close(&crew);
}

static void check_at_once(void)
{
    assert_int_equal(queue_keep_count(), MANY);
    for (unsigned i = 0; i < MANY; i++)
        assert_content(find(ids[i]), "Received: x\r\n", "text");
}

static void test_syncs_are_grouped(void **state)
{
    (void)state;
    test_durability = JOURNAL_DURABILITY_FSYNC;
    with_queue(submit_at_once);
    with_queue(check_at_once);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up_ids, tear_down_ids)
        TEST(test_segments_are_used_again),
        TEST(test_mostly_dead_segments_are_emptied),
        TEST(test_a_body_larger_than_a_segment),
        TEST(test_a_body_larger_than_the_journal_can_take),
        TEST(test_memory_max),
        TEST(test_memory_age),
        TEST(test_the_journal_never_stays_full),
        TEST(test_mails_max),
        TEST(test_many_envelopes_share_a_body),
        TEST(test_other_durabilities),
        TEST(test_rewriting_misses_nobody),
        TEST(test_what_is_read_stays_in_memory),
        TEST(test_another_core_reads_what_leaves_memory),
        TEST(test_a_full_disk),
        TEST(test_a_full_disk_without_journal),
        TEST(test_memory_is_bounded_where_the_disk_refuses),
        TEST(test_syncs_are_grouped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
