/* SPDX-License-Identifier: GPL-3.0-or-later
 * What the queue took is there after every kind of end, once. */
#include "in_queue.h"

static queue_id *shared; /* with the killed child */

static int set_up_shared(void **state)
{
    shared = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return set_up(state);
}

static int tear_down_shared(void **state)
{
    munmap(shared, 1 << 20);
    return tear_down(state);
}

static void add_one(void)
{
    static const char *const to[] = {"a@one.example", "b@two.example", "c@ONE.example"};
    MUST(submit_to(to, 3, "Received: y\r\n", "Subject: x\r\n\r\ntext\r\n", &shared[0]));
    struct queue_mail *mail = find(shared[0]);
    assert_int_equal(mail->recipient_count, 3);
    assert_int_equal(mail->item_count, 2);
    assert_int_equal(scheduled, 1);
    assert_content(mail, "Received: y\r\n", "Subject: x\r\n\r\ntext\r\n");
}

static void add_one_and_die(void)
{
    add_one();
    killed();
}

static void check_one(void)
{
    struct queue_mail *mail = find(shared[0]);
    assert_int_equal(queue_keep_count(), 1);
    assert_int_equal(scheduled, 1);
    assert_int_equal(mail->open_count, 3);
    assert_int_equal(mail->item_count, 2);
    assert_slice(queue_item_domain(&mail->items[1]), "two.example");
    assert_slice(queue_mail_text(mail, mail->sender), "sender@example.org");
    assert_slice(queue_mail_text(mail, mail->envid), "envid");
    assert_slice(queue_mail_text(mail, mail->recipients[2].address), "b@two.example");
    assert_int_equal(mail->recipients[2].notify, SMTP_NOTIFY_FAILURE);
    assert_true(mail->expires >= mail->arrived + 1000);
    assert_content(mail, "Received: y\r\n", "Subject: x\r\n\r\ntext\r\n");
}

static void check_none(void)
{
    assert_int_equal(queue_keep_count(), 0);
    assert_int_equal(scheduled, 0);
    assert_int_equal(queue_keep_spool_bytes(), 0);
}

static void test_after_a_kill(void **state)
{
    (void)state;
    with_queue_killed(add_one_and_die);
    with_queue(check_one); /* from the journal */
    with_queue(check_one); /* from the log */
}

static bool in_order;

static void start_store_only(void *unused)
{
    (void)unused;
    struct store_settings store = {
        .path = in_root("state"), .journal_segment_size = 1 << 20, .journal_segment_count = 4};
    store_set_replay_owner(NULL);
    in_order = store_start(&store).kind == ERROR_SYSTEM;
}

static void test_a_store_without_its_queue_loses_nothing(void **state)
{
    (void)state;
    with_queue_killed(add_one_and_die);
    MUST(core_run_here(NULL, start_store_only, NULL));
    assert_true(in_order);
    with_queue(check_one);
}

/* A checkpoint that somebody waits for does not wait for a body's age. */
static void checkpoint(void)
{
    add_one();
    instant begun = time_now();
    MUST(journal_checkpoint());
    assert_true(time_now() - begun < 20 * TIME_S);
    assert_true(find(shared[0])->logged);
}

static void test_checkpoints_get_on(void **state)
{
    (void)state;
    with_queue(checkpoint);
    with_queue(check_one);
}

static void test_after_a_clean_stop(void **state)
{
    (void)state;
    with_queue(add_one);
    with_queue(check_one);
    with_queue(check_one);
}

static void finish_one(void)
{
    finish(shared[0]);
    assert_int_equal(queue_keep_count(), 0);
}

static void finish_and_die(void)
{
    finish_one();
    commit();
    killed();
}

static void add_finish_die(void)
{
    add_one();
    finish_and_die();
}

/* Where DONE did not reach the log, the schedule hears of a mail with nothing left to do. */
static void check_decided(void)
{
    struct queue_mail *mail = queue_keep_find(shared[0]);
    if (!mail)
        return;
    assert_int_equal(mail->open_count, 0);
    queue_keep_finish(&mail);
}

static void test_done_is_done(void **state)
{
    (void)state;
    with_queue_killed(add_finish_die); /* memory only */
    with_queue(check_none);
    with_queue(add_one);
    with_queue_killed(finish_and_die); /* logged; the log may lack it, the journal has it */
    with_queue(check_decided);
    with_queue(check_none);
    with_queue(add_one);
    with_queue(finish_one);
    with_queue(check_none);
}

static void sync_and_die(void)
{
    add_one();
    queue_keep_state(find(shared[0]), NULL);
    MUST(queue_keep_sync());
    assert_true(find(shared[0])->logged);
    assert_null(find(shared[0])->content->memory);
    assert_int_equal(queue_keep_memory_bytes(), 0);
    assert_content(find(shared[0]), "Received: y\r\n", "Subject: x\r\n\r\ntext\r\n");
    killed();
}

static void test_spooled_without_its_log(void **state)
{
    (void)state;
    with_queue_killed(sync_and_die);
    assert_int_equal(truncate(in_root("state/queue/log-000"), sizeof(struct frame_header)), 0);
    with_queue(check_one);
    with_queue(check_one);
}

static void test_logged_without_its_body(void **state)
{
    (void)state;
    with_queue_killed(sync_and_die);
    const char *path = spool_file();
    assert_int_equal(truncate(path, 0), 0);
    assert_int_equal(truncate(path, 500), 0); /* zeros */
    with_queue(check_one);                    /* the journal gave it again */
    with_queue(check_one);
}

static void check_lost_body(void)
{
    struct queue_mail *mail = find(shared[0]);
    struct body scratch;
    slice body;
    body_init(&scratch, 4096);
    mail->content->out++;
    assert_error(queue_content_open(mail->content, &scratch, &body), ERROR_PERMANENT);
    mail->content->out--;
    assert_null(scratch.data);
}

static void test_a_body_lost_for_good_is_noticed(void **state)
{
    (void)state;
    with_queue(add_one);
    int fd = open(spool_file(), O_WRONLY);
    assert_int_equal(pwrite(fd, "X", 1, 40), 1);
    close(fd);
    with_queue(check_lost_body);
}

static void part_and_die(void)
{
    add_one();
    decide(find(shared[0]), 0, QUEUE_RELAYED);
    commit();
    killed();
}

static void part_logged_and_die(void)
{
    struct queue_mail *mail = find(shared[0]);
    assert_int_equal(mail->open_count, 1);
    assert_int_equal(mail->recipients[0].outcome, QUEUE_RELAYED);
    assert_int_equal(mail->recipients[2].outcome, QUEUE_OPEN);
    mail->held = true;
    defer(mail, 1, "mx: 451 later");
    defer(mail, 1, "mx: 452 full");
    MUST(queue_keep_sync());
    killed();
}

static void check_part(void)
{
    struct queue_mail *mail = find(shared[0]);
    assert_int_equal(mail->open_count, 1);
    assert_true(mail->held);
    assert_false(mail->warned);
    assert_int_equal(mail->items[1].attempts, 2);
    assert_int_equal(mail->items[1].due, 1002);
    assert_int_equal(mail->items[1].tried, 900);
    assert_string_equal(mail->items[1].response, "mx: 452 full");
    assert_int_equal(mail->items[0].attempts, 0);
    assert_content(mail, "Received: y\r\n", "Subject: x\r\n\r\ntext\r\n");
}

static void test_outcomes_and_state_stay(void **state)
{
    (void)state;
    with_queue_killed(part_and_die);
    with_queue_killed(part_logged_and_die);
    with_queue(check_part);
    with_queue(check_part);
}

/* A success that was asked for and not reported yet brings the mail back; once it is, no more. */
static void owe_no_more_and_die(void)
{
    add_one();
    struct queue_mail *mail = find(shared[0]);
    mail->recipients[2].outcome = QUEUE_RELAYED;
    mail->open_count--;
    queue_keep_outcomes(mail, &mail->items[1]);
    decide(mail, 0, QUEUE_RELAYED);
    mail->recipients[2].reported = true;
    queue_keep_outcomes(mail, &mail->items[1]);
    commit();
    killed();
}

static void owe_and_die(void)
{
    add_one();
    struct queue_mail *mail = find(shared[0]);
    decide(mail, 0, QUEUE_RELAYED);
    mail->recipients[2].outcome = QUEUE_RELAYED;
    mail->open_count--;
    queue_keep_outcomes(mail, &mail->items[1]);
    commit();
    killed();
}

static void check_owed(void)
{
    struct queue_mail *mail = find(shared[0]);
    assert_int_equal(mail->open_count, 0);
    assert_true(mail->recipients[0].reported);
    assert_false(mail->recipients[2].reported);
    queue_keep_finish(&mail);
}

static void test_owed_reports(void **state)
{
    (void)state;
    with_queue_killed(owe_and_die);
    with_queue(check_owed);
    with_queue_killed(owe_no_more_and_die);
    with_queue(check_none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up_shared, tear_down_shared)
        TEST(test_after_a_kill),
        TEST(test_a_store_without_its_queue_loses_nothing),
        TEST(test_checkpoints_get_on),
        TEST(test_after_a_clean_stop),
        TEST(test_done_is_done),
        TEST(test_spooled_without_its_log),
        TEST(test_logged_without_its_body),
        TEST(test_a_body_lost_for_good_is_noticed),
        TEST(test_outcomes_and_state_stay),
        TEST(test_owed_reports),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
