/* SPDX-License-Identifier: GPL-3.0-or-later
 * What a restart finds after kill -9 and after power cuts: everything acknowledged, exactly once,
 * no UID given twice, UIDVALIDITY unchanged. */
#include "in_store.h"

#include <sys/mman.h>

/* Kept over fork: what was promised before the end. */
struct promised {
    uint32_t uid_validity, uid_next;
    char base[200];
};
static struct promised *promised;

static void forget_everything(const char *folder)
{
    char path[512];
    snprintf(path, sizeof path, "%s/mail/%s", root.path, folder);
    scratch_remove_path(path);
}

static void note(struct mailbox *mailbox)
{
    promised->uid_validity = mailbox_status(mailbox).uid_validity;
    promised->uid_next = mailbox_status(mailbox).uid_next;
}

static void deliver_three_and_die(void)
{
    deliver("anna", "", "Subject: one\r\n\r\n");
    deliver("anna", "", "Subject: two\r\n\r\n");
    deliver("anna", "Work", "Subject: three\r\n\r\n");
    struct mailbox *inbox = open_mailbox("anna", "INBOX");
    note(inbox);
    killed();
}

static void find_three(void)
{
    struct mailbox *inbox = open_mailbox("anna", "INBOX");
    struct mailbox_status status = mailbox_status(inbox);
    assert_int_equal(status.messages, 2);
    assert_int_equal(status.uid_validity, promised->uid_validity);
    uint32_t uids[2];
    assert_int_equal(mailbox_uids(inbox, 1, uids, 2), 2);
    assert_text(inbox, uids[0], "Subject: one\r\n\r\n");
    assert_text(inbox, uids[1], "Subject: two\r\n\r\n");
    assert_true(deliver("anna", "", "Subject: four\r\n\r\n") >= promised->uid_next);
    struct mailbox *work = open_mailbox("anna", "Work");
    assert_int_equal(mailbox_status(work).messages, 1);
    mailbox_close(&work);
    mailbox_close(&inbox);
    assert_int_equal(count_files("anna", "new"), 3);
}

static void test_kill_loses_and_doubles_nothing(void **state)
{
    (void)state;
    with_store_killed(deliver_three_and_die);
    with_store(find_three);
}

/* The Maildir lost with the page cache: files gone, torn, empty; index gone. */
enum { SPOILED_GONE, SPOILED_EMPTY, SPOILED_TORN, SPOILED_BYTES, SPOILINGS };
static void spoil_files(const char *folder, int how)
{
    char path[512];
    snprintf(path, sizeof path, "%s/mail/anna/Maildir/%s", root.path, folder);
    DIR *directory = opendir(path);
    assert_non_null(directory);
    for (struct dirent *entry; (entry = readdir(directory));) {
        if (entry->d_name[0] == '.')
            continue;
        int fd = openat(dirfd(directory), entry->d_name, O_WRONLY);
        if (how == SPOILED_GONE)
            assert_int_equal(unlinkat(dirfd(directory), entry->d_name, 0), 0);
        else if (how == SPOILED_EMPTY)
            assert_int_equal(ftruncate(fd, 0), 0);
        else if (how == SPOILED_TORN)
            assert_int_equal(ftruncate(fd, 15), 0);
        else /* the right size, wrong bytes */
            assert_int_equal(pwrite(fd, "\0\0\0\0", 4, 3), 4);
        close(fd);
    }
    closedir(directory);
}

static void test_power_cut_files_are_put_back(void **state)
{
    (void)state;
    for (int how = 0; how < SPOILINGS; how++) {
        with_store_killed(deliver_three_and_die);
        spoil_files("new", how);
        with_store(find_three);
        tear_down(NULL);
        set_up(NULL);
    }
}

static void find_nothing_torn(void)
{
    struct mailbox *inbox = open_mailbox("anna", "INBOX");
    assert_int_equal(mailbox_status(inbox).messages, 0);
    assert_int_equal(mailbox_status(inbox).uid_validity, promised->uid_validity);
    assert_int_equal(count_files("anna", "new"), 0);
    assert_true(deliver("anna", "", "Subject: four\r\n\r\n") >= promised->uid_next);
    mailbox_close(&inbox);
}

/* In the index and torn, but in no journal: in flight, never confirmed. */
static void test_torn_files_that_nobody_was_promised_go(void **state)
{
    (void)state;
    char journal[128];
    with_store_killed(deliver_three_and_die);
    spoil_files("new", SPOILED_TORN);
    snprintf(journal, sizeof journal, "%s/state/journal", root.path);
    scratch_remove_path(journal);
    with_store(find_nothing_torn);
}

static void find_only_foreign(void)
{
    struct mailbox *inbox = open_mailbox("anna", "INBOX");
    assert_int_equal(mailbox_status(inbox).messages,
                     4); /* two delivered, one whole, one of another */
    assert_int_equal(count_files("anna", "new"), 4);
    mailbox_close(&inbox);
}

static void make_new(const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/mail/anna/Maildir/new/%s", root.path, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    assert_int_equal(write(fd, "Subject: x", 10), 10);
    close(fd);
}

/* Not in the index: only what bears a name of our own is known to be torn. */
static void test_torn_files_are_not_numbered(void **state)
{
    (void)state;
    with_store_killed(deliver_three_and_die);
    make_new("1795364726.M910926P27091C1Q104.vm,S=3552,W=3552");
    make_new("1795364726.M910926P27091C1Q105.vm,S=10,W=10");
    make_new("1.other,S=100");
    with_store(find_only_foreign);
}

static void find_without_index(void)
{
    struct mailbox *inbox = open_mailbox("anna", "INBOX");
    assert_int_equal(mailbox_status(inbox).messages, 2);
    uint32_t uids[2];
    mailbox_uids(inbox, 1, uids, 2);
    assert_text(inbox, uids[0], "Subject: one\r\n\r\n");
    assert_text(inbox, uids[1], "Subject: two\r\n\r\n");
    mailbox_close(&inbox);
}

static void test_everything_lost_is_put_back(void **state)
{
    (void)state;
    with_store_killed(deliver_three_and_die);
    forget_everything("anna");
    with_store(find_without_index);
    with_store(find_without_index);
}

static void expunge_and_die(void)
{
    deliver("anna", "", "Subject: one\r\n\r\n");
    uint32_t two = deliver("anna", "", "Subject: two\r\n\r\n");
    uint32_t three = deliver("anna", "", "Subject: three\r\n\r\n");
    struct mailbox *inbox = open_mailbox("anna", "INBOX");
    MUST(mailbox_expunge(inbox, &two, 1, NULL));
    MUST(mailbox_create(mailbox_account(inbox), SLICE("Trash")));
    struct mailbox *trash = open_mailbox("anna", "Trash");
    uint32_t moved;
    MUST(mailbox_copy(inbox, &three, 1, trash, true, &moved));
    note(inbox);
    killed();
}

static void find_one_and_three(void)
{
    struct mailbox *inbox = open_mailbox("anna", "INBOX");
    struct mailbox *trash = open_mailbox("anna", "Trash");
    uint32_t uid;
    assert_int_equal(mailbox_status(inbox).messages, 1);
    assert_int_equal(mailbox_uids(inbox, 1, &uid, 1), 1);
    assert_text(inbox, uid, "Subject: one\r\n\r\n");
    assert_int_equal(mailbox_status(trash).messages, 1);
    assert_int_equal(mailbox_uids(trash, 1, &uid, 1), 1);
    assert_text(trash, uid, "Subject: three\r\n\r\n");
    mailbox_close(&inbox);
    mailbox_close(&trash);
    assert_int_equal(count_files("anna", "new"), 1);
}

static void test_what_was_expunged_stays_away(void **state)
{
    (void)state;
    with_store_killed(expunge_and_die);
    with_store(find_one_and_three);
    tear_down(NULL);
    set_up(NULL);
    with_store_killed(expunge_and_die);
    forget_everything("anna"); /* as if nothing of it had reached the disk */
    with_store(find_one_and_three);
}

/* Copied and moved on, then the power went: the copies lost their bytes, the indexes are there. */
static void copy_and_die(void)
{
    deliver("anna", "", "Subject: one\r\n\r\n");
    uint32_t copied = deliver("anna", "", "Subject: copied\r\n\r\n");
    uint32_t moved = deliver("anna", "", "Subject: moved\r\n\r\n");
    struct mailbox *inbox = open_mailbox("anna", "INBOX");
    MUST(mailbox_create(mailbox_account(inbox), SLICE("Work")));
    MUST(mailbox_create(mailbox_account(inbox), SLICE("Trash")));
    struct mailbox *work = open_mailbox("anna", "Work");
    struct mailbox *trash = open_mailbox("anna", "Trash");
    uint32_t uid, next;
    MUST(mailbox_copy(inbox, &copied, 1, work, false, &uid));
    MUST(mailbox_copy(inbox, &moved, 1, work, true, &uid));
    MUST(mailbox_copy(work, &uid, 1, trash, true, &next));
    killed();
}

static void find_copies(void)
{
    struct mailbox *inbox = open_mailbox("anna", "INBOX");
    struct mailbox *work = open_mailbox("anna", "Work");
    struct mailbox *trash = open_mailbox("anna", "Trash");
    uint32_t uids[2];
    assert_int_equal(mailbox_uids(inbox, 1, uids, 2), 2);
    assert_text(inbox, uids[1], "Subject: copied\r\n\r\n");
    assert_int_equal(mailbox_uids(work, 1, uids, 2), 1);
    assert_text(work, uids[0], "Subject: copied\r\n\r\n");
    assert_int_equal(mailbox_uids(trash, 1, uids, 2), 1);
    assert_text(trash, uids[0], "Subject: moved\r\n\r\n");
    mailbox_close(&inbox);
    mailbox_close(&work);
    mailbox_close(&trash);
    assert_int_equal(count_files("anna", "new"), 2);
    assert_int_equal(count_files("anna", "tmp"), 0);
    assert_int_equal(count_files("anna", ".Work/cur"), 1);
    assert_int_equal(count_files("anna", ".Work/tmp"), 0);
    assert_int_equal(count_files("anna", ".Trash/cur"), 1);
}

static void test_power_cut_copies_are_put_back(void **state)
{
    (void)state;
    for (int how = 0; how < SPOILINGS; how++) {
        with_store_killed(copy_and_die);
        spoil_files(".Work/cur", how); /* and the mail in the inbox, which shares its bytes */
        spoil_files(".Trash/cur", how);
        with_store(find_copies);
        tear_down(NULL);
        set_up(NULL);
    }
}

static void copy_after_checkpoint_and_die(void)
{
    uint32_t uid = deliver("anna", "", "Subject: one\r\n\r\n"), copied;
    struct mailbox *inbox = open_mailbox("anna", "INBOX");
    MUST(mailbox_create(mailbox_account(inbox), SLICE("Work")));
    struct mailbox *work = open_mailbox("anna", "Work");
    MUST(journal_checkpoint());
    MUST(mailbox_copy(inbox, &uid, 1, work, false, &copied));
    killed();
}

static void find_no_copy(void)
{
    struct mailbox *work = open_mailbox("anna", "Work");
    assert_int_equal(mailbox_status(work).messages, 0);
    mailbox_close(&work);
}

/* Only a link record tells of the mail: there is nothing to put back, and the store starts. */
static void test_another_program_may_remove_a_mail_and_its_copy(void **state)
{
    (void)state;
    with_store_killed(copy_after_checkpoint_and_die);
    spoil_files("new", SPOILED_GONE);
    forget_everything("anna/Maildir/.Work");
    with_store(find_no_copy);
}

static void expunge_after_checkpoint_and_die(void)
{
    uint32_t uid = deliver("anna", "", "Subject: one\r\n\r\n");
    struct mailbox *inbox = open_mailbox("anna", "INBOX");
    MUST(journal_checkpoint());
    MUST(mailbox_expunge(inbox, &uid, 1, NULL));
    killed();
}

static void find_none(void)
{
    struct mailbox *inbox = open_mailbox("anna", "INBOX");
    assert_int_equal(mailbox_status(inbox).messages, 0);
    mailbox_close(&inbox);
}

static void test_expunge_outlives_the_delivery_record(void **state)
{
    (void)state;
    with_store_killed(expunge_after_checkpoint_and_die);
    with_store(find_none);
}

static unsigned round_count;
static void deliver_many_and_die(void)
{
    for (unsigned i = 0; i < 3000; i++) /* wraps the ring of two segments several times */
        deliver("anna", "", "Subject: filler filler filler filler filler filler\r\n\r\n");
    killed();
}

static void find_many(void)
{
    struct mailbox *inbox = open_mailbox("anna", "INBOX");
    assert_int_equal(mailbox_status(inbox).messages, 3000 * round_count);
    mailbox_close(&inbox);
}

static void test_the_ring_wraps(void **state)
{
    (void)state;
    for (round_count = 1; round_count <= 2; round_count++) {
        with_store_killed(deliver_many_and_die);
        with_store(find_many);
    }
}

static void deliver_on_two_cores_and_die(void)
{
    for (unsigned i = 0; i < 50; i++) {
        char user[16];
        snprintf(user, sizeof user, "user%u", i % 7);
        deliver(user, "", "Subject: x\r\n\r\n");
    }
    killed();
}

static void find_on_one_core(void)
{
    unsigned total = 0;
    for (unsigned i = 0; i < 7; i++) {
        char user[16];
        snprintf(user, sizeof user, "user%u", i);
        struct mailbox *inbox = open_mailbox(user, "INBOX");
        total += mailbox_status(inbox).messages;
        mailbox_close(&inbox);
    }
    assert_int_equal(total, 50);
}

static void test_the_number_of_cores_may_change(void **state)
{
    (void)state;
    test_cores = 2;
    with_store_killed(deliver_on_two_cores_and_die);
    forget_everything("");
    test_cores = 1;
    with_store(find_on_one_core);
}

static void *share(size_t size)
{
    return mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

#define STORE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    promised = share(sizeof *promised);
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_kill_loses_and_doubles_nothing),
        STORE_TEST(test_power_cut_files_are_put_back),
        STORE_TEST(test_torn_files_that_nobody_was_promised_go),
        STORE_TEST(test_torn_files_are_not_numbered),
        STORE_TEST(test_everything_lost_is_put_back),
        STORE_TEST(test_what_was_expunged_stays_away),
        STORE_TEST(test_power_cut_copies_are_put_back),
        STORE_TEST(test_another_program_may_remove_a_mail_and_its_copy),
        STORE_TEST(test_expunge_outlives_the_delivery_record),
        STORE_TEST(test_the_ring_wraps),
        STORE_TEST(test_the_number_of_cores_may_change),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
