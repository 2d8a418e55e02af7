/* SPDX-License-Identifier: GPL-3.0-or-later
 * A disk that refuses writes after they were accepted. The kernel tells of it once for each opening
 * of the file system (or file) and takes the page for written ever after: a second sync that says
 * OK proves nothing. */
#include "in_store.h"

#include "data/journal/journal.h"
#include "data/store/index_file.h"
#include "data/store/state.h"
#include "runtime/crew.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/syscall.h>

/* In place of the C library's, as the kernel does it: every opening hears of each error once. */
enum { FDS_MAX = 1024 };
static atomic_uint disk_errors;
static atomic_uint seen[FDS_MAX];
int syncfs(int fd)
{
    unsigned errors = atomic_load(&disk_errors);
    if (fd < FDS_MAX && atomic_exchange(&seen[fd], errors) != errors) {
        errno = EIO;
        return -1;
    }
    return (int)syscall(SYS_syncfs, fd);
}

static atomic_uint file_errors; /* so many syncs of files fail */
int fdatasync(int fd)
{
    unsigned errors = atomic_load(&file_errors);
    if (errors > 0) {
        atomic_store(&file_errors, errors - 1);
        errno = EIO;
        return -1;
    }
    return (int)syscall(SYS_fdatasync, fd);
}

/* A file whose bytes the disk refused: memory has them until it lets go of them, or the machine
 * does; then there are zeros. */
static struct stat refused;

static void lose_if_refused(int fd)
{
    struct stat status;
    char path[32], zeros[4096] = {0};
    if (fstat(fd, &status) != 0 || status.st_ino != refused.st_ino ||
        status.st_dev != refused.st_dev)
        return;
    assert_true(status.st_size <= (off_t)sizeof zeros);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int writing = open(path, O_WRONLY | O_CLOEXEC);
    assert_int_equal(pwrite(writing, zeros, (size_t)status.st_size, 0), status.st_size);
    close(writing);
    refused = (struct stat){0}; /* another file may take its number */
}

int posix_fadvise(int fd, off_t offset, off_t size, int advice)
{
    if (advice == POSIX_FADV_DONTNEED)
        lose_if_refused(fd);
    return (int)syscall(SYS_fadvise64, fd, offset, size, advice);
}

static atomic_bool no_maps;
#if defined(__SANITIZE_THREAD__) /* which maps memory before it can be called */
enum { MAPS_CAN_FAIL = false };
#else
enum { MAPS_CAN_FAIL = true };
void *mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset)
{
    if (fd >= 0 && (flags & MAP_PRIVATE) && atomic_load(&no_maps)) {
        errno = ENOMEM;
        return MAP_FAILED;
    }
    return (void *)syscall(SYS_mmap, at, size, protection, flags, fd, offset);
}
#endif

enum { SOME = 800, MANY = 5 * INDEX_UID_RESERVE_MIN, LARGE = 60000, LARGE_MAX = 100 };

static const char text[] = "Subject: filler filler filler\r\n\r\nfiller\r\n";

static void lose_files(const char *user)
{
    char command[300];
    snprintf(command, sizeof command, "rm %s/mail/%s/Maildir/new/*", root.path, user);
    assert_int_equal(system(command), 0);
}

static error checkpoint_here(void *unused)
{
    (void)unused;
    return journal_checkpoint();
}

/* Checkpoints. */

static void fail_once_and_die(void)
{
    deliver("anna", "", text);
    disk_errors++;
    assert_error(journal_checkpoint(), ERROR_TEMPORARY);
    assert_error(journal_checkpoint(), ERROR_TEMPORARY); /* the sync itself went well */
    lose_files("anna");
    killed();
}

static void find_the_one(void)
{
    struct mailbox *inbox = open_mailbox("anna", "INBOX");
    assert_int_equal(mailbox_status(inbox).messages, 1);
    assert_text(inbox, mailbox_next_from(inbox, 1)->uid, text);
    mailbox_close(&inbox);
}

static void test_a_second_sync_frees_nothing(void **state)
{
    (void)state;
    with_store_killed(fail_once_and_die);
    with_store(find_the_one);
}

static error deliver_there(void *unused)
{
    (void)unused;
    deliver("anna", "", text);
    return OK;
}

static void fail_on_both_cores_and_die(void)
{
    MUST(core_call(0, deliver_there, NULL));
    MUST(core_call(1, deliver_there, NULL));
    disk_errors++;
    assert_error(core_call(0, checkpoint_here, NULL), ERROR_TEMPORARY);
    assert_error(core_call(1, checkpoint_here, NULL), ERROR_TEMPORARY);
    lose_files("anna");
    killed();
}

static void find_both(void)
{
    assert_int_equal(count_files("anna", "new"), 2);
}

static void test_each_core_hears_of_it(void **state)
{
    (void)state;
    test_cores = 2;
    with_store_killed(fail_on_both_cores_and_die);
    with_store(find_both);
    test_cores = 1;
}

/* Accepted until the journal is full, then refused at once; what was accepted is there. */

static char large[LARGE + 1];
static unsigned *accepted; /* shared with the process that dies */

static void fill_the_journal_and_die(void)
{
    memset(large, 'x', LARGE);
    deliver("anna", "", large);
    disk_errors++;
    assert_error(journal_checkpoint(), ERROR_TEMPORARY);
    *accepted = 1;
    error problem = OK;
    instant begun = timer_now();
    while (!failed(problem) && *accepted < LARGE_MAX) {
        struct store_recipient to = {.account = key_of("anna")};
        slice part = slice_from_string(large);
        struct store_delivery delivery = {
            .parts = &part, .part_count = 1, .recipients = &to, .recipient_count = 1};
        problem = store_deliver(&delivery);
        *accepted += !failed(problem);
    }
    assert_error(problem, ERROR_TEMPORARY);
    assert_true(timer_now() - begun < 10 * TIME_S);
    assert_true(*accepted > 10);
    lose_files("anna");
    killed();
}

static void find_all_accepted(void)
{
    struct mailbox *inbox = open_mailbox("anna", "INBOX");
    assert_int_equal(mailbox_status(inbox).messages, *accepted);
    assert_int_equal(count_files("anna", "new"), *accepted);
    mailbox_close(&inbox);
}

static void test_a_full_journal_refuses_mail(void **state)
{
    (void)state;
    accepted =
        mmap(NULL, sizeof *accepted, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(accepted != MAP_FAILED);
    with_store_killed(fill_the_journal_and_die);
    with_store(find_all_accepted);
    munmap(accepted, sizeof *accepted);
}

static void fail_once(void)
{
    deliver("anna", "", text);
    disk_errors++;
    assert_error(journal_checkpoint(), ERROR_TEMPORARY);
}

static void test_such_a_stop_is_not_clean(void **state)
{
    (void)state;
    assert_error(run_store(fail_once, true), ERROR_TEMPORARY);
    lose_files("anna");
    with_store(find_the_one);
}

/* What memory still has and the disk never got is not taken for whole by the next start. */

static void deliver_and_die(void)
{
    deliver("anna", "", text);
    killed();
}

/* The only file of a folder that has this prefix. */
static int open_only(const char *folder, const char *prefix)
{
    char path[256];
    snprintf(path, sizeof path, "%s/mail/anna/Maildir/%s", root.path, folder);
    DIR *directory = opendir(path);
    int fd = -1;
    for (struct dirent *entry; fd < 0 && (entry = readdir(directory));)
        if (entry->d_name[0] != '.' && strncmp(entry->d_name, prefix, strlen(prefix)) == 0)
            fd = openat(dirfd(directory), entry->d_name, O_RDONLY | O_CLOEXEC);
    closedir(directory);
    assert_true(fd >= 0);
    return fd;
}

static void refuse(const char *folder, const char *prefix)
{
    int fd = open_only(folder, prefix);
    assert_int_equal(fstat(fd, &refused), 0);
    close(fd);
}

/* Whatever is still only in memory is gone with it. */
static void lose_memory(const char *folder, const char *prefix)
{
    int fd = open_only(folder, prefix);
    lose_if_refused(fd);
    close(fd);
}

static void test_a_mail_that_only_memory_has_is_written_again(void **state)
{
    (void)state;
    with_store_killed(deliver_and_die);
    refuse("new", "");
    with_store(find_the_one);
    lose_memory("new", "");
    with_store(find_the_one);
}

static uint32_t validity, last_uid;

static void find_the_one_and_number_another(void)
{
    find_the_one();
    last_uid = deliver("anna", "", text);
    struct mailbox *inbox = open_mailbox("anna", "INBOX");
    validity = mailbox_status(inbox).uid_validity;
    mailbox_close(&inbox);
}

static void find_the_same_numbers(void)
{
    struct mailbox *inbox = open_mailbox("anna", "INBOX");
    assert_int_equal(mailbox_status(inbox).uid_validity, validity);
    assert_text(inbox, last_uid, text);
    mailbox_close(&inbox);
}

static void test_an_index_that_only_memory_has_numbers_nothing(void **state)
{
    (void)state;
    with_store_killed(deliver_and_die);
    refuse("", INDEX_FILE_NAME);
    with_store(find_the_one_and_number_another);
    lose_memory("", INDEX_FILE_NAME);
    with_store(find_the_same_numbers);
}

/* Ranges of UIDs. */

static ino_t index_inode(void)
{
    char path[256];
    struct stat status;
    snprintf(path, sizeof path, "%s/mail/anna/Maildir/%s", root.path, INDEX_FILE_NAME);
    assert_int_equal(stat(path, &status), 0);
    return status.st_ino;
}

static void fail_to_reserve(void)
{
    deliver("anna", "", text);
    struct mailbox *inbox = open_mailbox("anna", "INBOX");
    uint32_t durable = inbox->index.uid_durable;
    file_errors = 1;
    assert_error(mailbox_reserve(inbox, MANY), ERROR_TEMPORARY);
    assert_int_equal(inbox->index.uid_durable, durable);
    struct account *account = account_ref(mailbox_account(inbox));
    mailbox_close(&inbox);
    mailboxes_drop_idle(account);
    account_close(&account);

    ino_t before = index_inode();
    inbox = open_mailbox("anna", "INBOX");
    assert_true(inbox->index.header.uid_reserved > MANY); /* says the file, in memory */
    assert_int_equal(inbox->index.uid_durable, inbox->index.header.uid_next);
    assert_int_equal(deliver("anna", "", text), 2);
    assert_true(index_inode() != before); /* written anew: no page of the old one is trusted */
    assert_true(inbox->index.uid_durable > inbox->index.header.uid_next);
    before = index_inode();
    deliver("anna", "", text);
    assert_true(index_inode() == before);
    mailbox_close(&inbox);
}

static void test_a_range_that_could_not_be_synced_is_not_used(void **state)
{
    (void)state;
    assert_error(run_store(fail_to_reserve, true), ERROR_TEMPORARY);
}

/* A range in the log waits for a checkpoint, which fails; the next one goes well. */

static void fail_the_checkpoint_of_a_range(void)
{
    for (unsigned i = 0; i < SOME; i++)
        deliver("anna", "", text);
    struct mailbox *inbox = open_mailbox("anna", "INBOX");
    assert_true(inbox->tending);
    uint32_t durable = inbox->index.uid_durable;
    disk_errors++;
    assert_error(journal_checkpoint(), ERROR_TEMPORARY);
    assert_error(journal_checkpoint(), ERROR_TEMPORARY);
    for (int i = 0; i < 3000 && inbox->tending; i++)
        MUST(fiber_sleep(10 * TIME_MS));
    assert_int_equal(inbox->index.uid_durable, durable);
    MUST(mailbox_reserve(inbox, MANY));
    assert_true(inbox->index.uid_durable > MANY);
    assert_int_equal(mailbox_status(inbox).messages, SOME);
    mailbox_close(&inbox);
}

static void test_a_range_waits_for_a_sync_without_failures(void **state)
{
    (void)state;
    test_segment_size = 16 << 20; /* no checkpoint but those asked for */
    error problem = run_store(fail_the_checkpoint_of_a_range, true);
    test_segment_size = 1 << 20;
    assert_error(problem, ERROR_TEMPORARY);
}

/* No memory for the compacted index: the old one goes on. */

static void compact_without_memory(void)
{
    static char blob[STORE_CACHE_BLOB_SIZE_MAX];
    for (unsigned i = 0; i < SOME; i++)
        deliver("anna", "", text);
    struct mailbox *inbox = open_mailbox("anna", "INBOX");
    MUST(journal_checkpoint());
    for (int i = 0; i < 3000 && inbox->tending; i++)
        MUST(fiber_sleep(10 * TIME_MS));
    for (uint32_t uid = 1; uid <= SOME; uid++) /* so that it is large enough to be mapped */
        mailbox_cache_set(inbox, uid, slice_of(blob, sizeof blob));
    for (int i = 0; i < 3000 && !inbox->compaction; i++)
        MUST(fiber_sleep(10 * TIME_MS));
    assert_non_null(inbox->compaction);
    assert_true(inbox->compaction->image_size >= INDEX_MAP_SIZE_MIN);
    ino_t before = index_inode();
    no_maps = true;
    MUST(journal_checkpoint());
    for (int i = 0; i < 3000 && inbox->compaction; i++)
        MUST(fiber_sleep(10 * TIME_MS));
    assert_null(inbox->compaction);
    no_maps = false;
    assert_true(index_inode() == before);
    for (uint32_t uid = 1; uid <= SOME; uid++)
        assert_non_null(mailbox_find(inbox, uid));
    assert_int_equal(deliver("anna", "", text), SOME + 1);
    mailbox_close(&inbox);
}

static void find_all(void)
{
    struct mailbox *inbox = open_mailbox("anna", "INBOX");
    assert_int_equal(mailbox_status(inbox).messages, SOME + 1);
    assert_non_null(mailbox_find(inbox, SOME + 1));
    mailbox_close(&inbox);
}

static void test_an_index_outlives_want_of_memory(void **state)
{
    (void)state;
    if (!MAPS_CAN_FAIL)
        skip();
    test_segment_size = 16 << 20;
    with_store(compact_without_memory);
    test_segment_size = 1 << 20;
    with_store(find_all);
}

/* A delivery whose session is cancelled: what the sender hears is what became of it. */

enum { CANCELLED_MAX = 12 };

struct attempt {
    bool begun;
    error result;
};

static void deliver_in_a_fiber(void *argument)
{
    struct attempt *attempt = argument;
    struct store_recipient to = {.account = key_of("anna")};
    slice part = SLICE(text);
    struct store_delivery delivery = {
        .parts = &part, .part_count = 1, .recipients = &to, .recipient_count = 1};
    attempt->begun = true;
    attempt->result = store_deliver(&delivery);
    if (!failed(attempt->result))
        attempt->result = to.result;
}

static void cancel_at_each_moment(void)
{
    *accepted = 1;
    deliver("anna", "", text);
    for (unsigned turns = 1; turns <= CANCELLED_MAX; turns++) {
        struct attempt attempt = {.result = error_make(ERROR_CANCELLED, "not begun")};
        struct crew crew;
        crew_init(&crew, NULL);
        MUST(fiber_start(&crew, "test.deliver", deliver_in_a_fiber, &attempt));
        for (unsigned i = 0; i < turns; i++)
            MUST(fiber_yield());
        assert_true(attempt.begun);
        crew_cancel(&crew);
        crew_close(&crew);
        MUST(attempt.result); /* it was in the journal's hands */
        *accepted += 1;
        assert_int_equal(count_files("anna", "new"), *accepted);
    }
    killed();
}

static void test_a_cancelled_delivery_is_told_as_it_ended(void **state)
{
    (void)state;
    accepted =
        mmap(NULL, sizeof *accepted, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(accepted != MAP_FAILED);
    with_store_killed(cancel_at_each_moment);
    with_store(find_all_accepted);
    munmap(accepted, sizeof *accepted);
}

#define STORE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_a_second_sync_frees_nothing),
        STORE_TEST(test_each_core_hears_of_it),
        STORE_TEST(test_a_full_journal_refuses_mail),
        STORE_TEST(test_such_a_stop_is_not_clean),
        STORE_TEST(test_a_mail_that_only_memory_has_is_written_again),
        STORE_TEST(test_an_index_that_only_memory_has_numbers_nothing),
        STORE_TEST(test_a_range_that_could_not_be_synced_is_not_used),
        STORE_TEST(test_a_range_waits_for_a_sync_without_failures),
        STORE_TEST(test_an_index_outlives_want_of_memory),
        STORE_TEST(test_a_cancelled_delivery_is_told_as_it_ended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
