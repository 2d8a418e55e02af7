/* SPDX-License-Identifier: GPL-3.0-or-later
 * UIDs are reserved and indexes compacted by a sync that comes anyway: nothing of it counts before,
 * and a power cut at any moment in between neither loses mail nor gives a UID twice. */
#include "in_store.h"

#include "data/store/index_file.h"
#include "data/store/state.h"

#include <stdatomic.h>
#include <sys/syscall.h>

/* In place of the C library's: how often is a file synced by itself? */
static atomic_uint syncs_of_files;
int fdatasync(int fd)
{
    atomic_fetch_add(&syncs_of_files, 1);
    return (int)syscall(SYS_fdatasync, fd);
}

enum { FIRST_RANGE = INDEX_UID_RESERVE_MIN, SOME = 800, LATER = 10 };

static const char text[] = "Subject: filler filler filler\r\n\r\nfiller\r\n";

static void path_of(const char *file, char out[256])
{
    snprintf(out, 256, "%s/mail/anna/Maildir/%s", root.path, file);
}

static bool is_there(const char *file)
{
    char path[256];
    path_of(file, path);
    return access(path, F_OK) == 0;
}

static void copy_file(const char *from, const char *to)
{
    char command[600], source[256], target[256];
    path_of(from, source);
    path_of(to, target);
    snprintf(command, sizeof command, "cp %s %s", source, target);
    assert_int_equal(system(command), 0);
}

static void deliver_some(unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        deliver("anna", "", text);
}

static void settle(const struct mailbox *inbox)
{
    for (int i = 0; i < 3000 && inbox->tending; i++)
        MUST(fiber_sleep(10 * TIME_MS));
    assert_false(inbox->tending);
}

/* The disk has the index as it was made; its log, and the new file, are in memory only. */

static void deliver_without_sync_and_die(void)
{
    deliver_some(1);
    copy_file(INDEX_FILE_NAME, "on-disk"); /* made durable when it was made */
    uint64_t syncs = store_syncs_begun();
    deliver_some(SOME - 1);
    struct mailbox *inbox = open_mailbox("anna", "INBOX");
    assert_int_equal(store_syncs_begun(), syncs);
    assert_true(inbox->tending);
    assert_true(is_there(INDEX_NEW_FILE_NAME));
    assert_int_equal(inbox->index.uid_durable, 1 + FIRST_RANGE); /* what the disk has counts */
    assert_true(inbox->index.header.uid_reserved > 1 + FIRST_RANGE);
    killed();
}

static void find_all_with_new_uids(void)
{
    struct mailbox *inbox = open_mailbox("anna", "INBOX");
    assert_int_equal(mailbox_status(inbox).messages, SOME);
    unsigned old = 0;
    for (const struct mail *mail = mailbox_next_from(inbox, 1); mail;
         mail = mailbox_next_from(inbox, mail->uid + 1))
        old += mail->uid > 1 && mail->uid <= SOME; /* given before the cut, to others */
    assert_int_equal(old, 0);
    mailbox_close(&inbox);
    assert_int_equal(count_files("anna", "new"), SOME);
    assert_true(deliver("anna", "", text) > SOME);
}

static void test_a_power_cut_before_the_sync(void **state)
{
    (void)state;
    char from[256], to[256];
    with_store_killed(deliver_without_sync_and_die);
    path_of("on-disk", from);
    path_of(INDEX_FILE_NAME, to);
    assert_int_equal(rename(from, to), 0);
    with_store(find_all_with_new_uids);
}

/* The checkpoint. */

static void checkpoint_and_die(void)
{
    deliver_some(1);
    unsigned syncs = syncs_of_files;
    deliver_some(SOME - 1);
    struct mailbox *inbox = open_mailbox("anna", "INBOX");
    assert_true(inbox->tending);
    uint64_t before = inbox->index.header.snapshot_size;
    MUST(journal_checkpoint());
    settle(inbox);
    assert_false(is_there(INDEX_NEW_FILE_NAME));
    assert_true(inbox->index.header.snapshot_size > before);
    assert_int_equal(inbox->index.uid_durable, inbox->index.header.uid_reserved);
    assert_true(inbox->index.uid_durable > 1 + FIRST_RANGE);
    assert_int_equal(syncs_of_files, syncs);
    deliver_some(LATER);
    killed();
}

static void find_all_as_they_were(void)
{
    struct mailbox *inbox = open_mailbox("anna", "INBOX");
    assert_int_equal(mailbox_status(inbox).messages, SOME + LATER);
    const struct mail *last = mailbox_find(inbox, SOME + LATER);
    assert_non_null(last);
    assert_null(mailbox_next_from(inbox, last->uid + 1));
    mailbox_close(&inbox);
}

static void test_a_checkpoint_puts_the_new_file_in_place(void **state)
{
    (void)state;
    with_store_killed(checkpoint_and_die);
    with_store(find_all_as_they_were);
}

/* No checkpoint comes, but the UIDs run out. */

static void use_up_the_range(void)
{
    uint64_t syncs = store_syncs_begun();
    deliver_some(2 * FIRST_RANGE);
    struct mailbox *inbox = open_mailbox("anna", "INBOX");
    assert_int_equal(store_syncs_begun(), syncs);
    assert_int_equal(mailbox_status(inbox).uid_next, 1 + 2 * FIRST_RANGE);
    assert_true(inbox->index.uid_durable > 2 * FIRST_RANGE);
    mailbox_close(&inbox);
}

static void go_on_without_a_gap(void)
{
    assert_false(is_there(INDEX_NEW_FILE_NAME));
    assert_int_equal(deliver("anna", "", text), 1 + 2 * FIRST_RANGE);
}

static void test_a_range_that_runs_short_is_synced_alone(void **state)
{
    (void)state;
    with_store(use_up_the_range);
    with_store(go_on_without_a_gap);
}

/* A range reserved while the new file waits is safe in the old file only: the new one must be
 * synced, with it, before it takes the name. */

static void reserve_meanwhile(void)
{
    deliver_some(SOME);
    struct mailbox *inbox = open_mailbox("anna", "INBOX");
    assert_true(inbox->tending && inbox->index.side);
    MUST(mailbox_reserve(inbox, 5 * FIRST_RANGE));
    uint32_t reserved = inbox->index.header.uid_reserved;
    assert_int_equal(inbox->index.uid_durable, reserved);
    unsigned syncs = syncs_of_files;
    MUST(journal_checkpoint());
    settle(inbox);
    assert_false(is_there(INDEX_NEW_FILE_NAME));
    assert_int_equal(syncs_of_files, syncs + 1);
    assert_int_equal(inbox->index.header.uid_reserved, reserved);
    assert_int_equal(inbox->index.uid_durable, reserved);
    mailbox_close(&inbox);
    killed();
}

static void uids_go_on_past_it(void)
{
    assert_true(deliver("anna", "", text) > 5 * FIRST_RANGE);
}

static void test_a_range_reserved_meanwhile_is_kept(void **state)
{
    (void)state;
    with_store_killed(reserve_meanwhile);
    with_store(uids_go_on_past_it);
}

/* What a checkpoint has on the disk in the old file it has in the new one, too: that takes the name
 * without a sync of its own. */

static void log_a_little_meanwhile(void)
{
    char path[256];
    struct stat status;
    deliver_some(SOME);
    struct mailbox *inbox = open_mailbox("anna", "INBOX");
    for (int i = 0; i < 3000 && !inbox->compaction; i++)
        MUST(fiber_sleep(10 * TIME_MS));
    assert_non_null(inbox->compaction);
    deliver_some(LATER);
    MUST(fiber_sleep(10 * TIME_MS));
    assert_true(inbox->index.side->size > 0);
    path_of(INDEX_NEW_FILE_NAME, path);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_size, inbox->compaction->image_size + inbox->index.side->size);
    MUST(journal_checkpoint());
    settle(inbox);
    assert_null(inbox->compaction);
    mailbox_close(&inbox);
    killed();
}

static void test_what_is_logged_meanwhile_is_synced(void **state)
{
    (void)state;
    with_store_killed(log_a_little_meanwhile);
    with_store(find_all_as_they_were);
}

/* What is remembered for the new file is bounded. */

static void log_much_meanwhile(void)
{
    static char blob[STORE_CACHE_BLOB_SIZE_MAX];
    deliver_some(SOME);
    struct mailbox *inbox = open_mailbox("anna", "INBOX");
    assert_true(inbox->tending && inbox->index.side);
    uint64_t syncs = store_syncs_begun();
    unsigned blobs = 0;
    for (; inbox->index.side->size <= TEND_SIDE_SIZE_MAX; blobs++)
        mailbox_cache_set(inbox, 1 + blobs % SOME, slice_of(blob, sizeof blob));
    assert_true(blobs >= TEND_SIDE_SIZE_MAX / (sizeof blob + 64));
    settle(inbox);
    assert_int_equal(store_syncs_begun(), syncs);
    assert_false(is_there(INDEX_NEW_FILE_NAME));
    assert_int_equal(mailbox_cache(inbox, mailbox_find(inbox, 1)).size, sizeof blob);
    mailbox_close(&inbox);
}

static void find_all_and_their_blobs(void)
{
    struct mailbox *inbox = open_mailbox("anna", "INBOX");
    assert_int_equal(mailbox_status(inbox).messages, SOME);
    assert_int_equal(mailbox_cache(inbox, mailbox_find(inbox, 1)).size, STORE_CACHE_BLOB_SIZE_MAX);
    mailbox_close(&inbox);
}

static void test_what_is_logged_meanwhile_is_bounded(void **state)
{
    (void)state;
    with_store(log_much_meanwhile);
    with_store(find_all_and_their_blobs);
}

/* A mailbox that goes away meanwhile. */

static void delete_meanwhile(void)
{
    for (unsigned i = 0; i < SOME; i++)
        deliver("anna", "Work", text);
    struct store_account_key key = key_of("anna");
    struct account *account;
    MUST(account_open(&key, false, &account));
    MUST(mailbox_delete(account, SLICE("Work")));
    assert_false(mailbox_exists(account, SLICE("Work")));
    account_close(&account);
    deliver("anna", "Work", text);
}

static void find_one_in_work(void)
{
    struct mailbox *work = open_mailbox("anna", "Work");
    assert_int_equal(mailbox_status(work).messages, 1);
    mailbox_close(&work);
}

static void test_a_mailbox_may_go_meanwhile(void **state)
{
    (void)state;
    with_store(delete_meanwhile);
    with_store(find_one_in_work);
}

#define STORE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    test_segment_size = 16 << 20; /* no checkpoint but those asked for */
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_a_power_cut_before_the_sync),
        STORE_TEST(test_a_checkpoint_puts_the_new_file_in_place),
        STORE_TEST(test_a_range_that_runs_short_is_synced_alone),
        STORE_TEST(test_a_range_reserved_meanwhile_is_kept),
        STORE_TEST(test_what_is_logged_meanwhile_is_synced),
        STORE_TEST(test_what_is_logged_meanwhile_is_bounded),
        STORE_TEST(test_a_mailbox_may_go_meanwhile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
