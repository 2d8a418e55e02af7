/* SPDX-License-Identifier: GPL-3.0-or-later
 * The store from its face: deliveries, reading, flags, copies, expunges, and what a restart finds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "data/store/account.h"
#include "data/store/delivery.h"
#include "data/store/mail.h"
#include "runtime/body.h"
#include "runtime/core.h"
#include "runtime/fiber.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char root[64];

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
    (void)status;
    (void)kind;
    (void)walk;
    return remove(path);
}

static int set_up(void **state)
{
    (void)state;
    strcpy(root, "/tmp/ringmail-store-XXXXXX");
    return mkdtemp(root) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    return nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void must(error e, const char *what)
{
    if (failed(e))
        fail_msg("%s: %s (%s, os %d)", what, e.text, error_kind_name(e.kind), e.os);
}
#define MUST(expression) must((expression), #expression)

static struct store_settings settings(void)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/state", root);
    return (struct store_settings){.path = path,
                                   .durability = JOURNAL_DURABILITY_JOURNAL,
                                   .journal_segment_size = 1 << 20,
                                   .journal_segment_count = 2,
                                   .rename_delay = 20 * TIME_MS,
                                   .poll_interval = 20 * TIME_MS};
}

static struct store_account_key key_of(const char *name)
{
    static char paths[4][160], ids[4][64];
    static unsigned next;
    unsigned i = next++ % 4;
    snprintf(paths[i], sizeof paths[i], "%s/mail/%s/Maildir", root, name);
    snprintf(ids[i], sizeof ids[i], "%s@example.org", name);
    return (struct store_account_key){slice_from_string(ids[i]), slice_from_string(paths[i]), 0, 0};
}

static uint32_t deliver(const char *user, const char *mailbox, const char *text)
{
    struct store_recipient to = {
        .account = key_of(user), .mailbox = slice_from_string(mailbox), .mailbox_create = true};
    slice parts[2] = {SLICE("Received: x\r\n"), slice_from_string(text)};
    struct store_delivery delivery = {
        .parts = parts, .part_count = 2, .recipients = &to, .recipient_count = 1};
    MUST(store_deliver(&delivery));
    MUST(to.result);
    return to.uid;
}

static struct mailbox *open_mailbox(const char *user, const char *name)
{
    struct account *account;
    struct mailbox *mailbox;
    struct store_account_key key = key_of(user);
    MUST(account_open(&key, true, &account));
    MUST(mailbox_open(account, slice_from_string(name), &mailbox));
    account_close(&account);
    return mailbox;
}

static void assert_text(struct mailbox *mailbox, uint32_t uid, const char *text)
{
    struct body body;
    MUST(mail_load(mailbox, uid, &body));
    slice want = slice_from_string(text), have = body_slice(&body);
    assert_int_equal(have.size, want.size + 13);
    assert_memory_equal(have.data + 13, want.data, want.size);
    body_close(&body);
}

static unsigned count_files(const char *user, const char *folder)
{
    char path[256];
    snprintf(path, sizeof path, "%s/mail/%s/Maildir/%s", root, user, folder);
    DIR *directory = opendir(path);
    unsigned count = 0;
    for (struct dirent *entry; directory && (entry = readdir(directory));)
        count += entry->d_name[0] != '.';
    if (directory)
        closedir(directory);
    return count;
}

/* Runs `body` in a core with the store open. */
static void (*present_body)(void);
static bool stop_cleanly;

static void run_body(void *unused)
{
    (void)unused;
    struct store_settings s = settings();
    MUST(store_start(&s));
    present_body();
    if (stop_cleanly)
        MUST(store_stop());
}

static void with_store(void (*body)(void))
{
    present_body = body;
    stop_cleanly = true;
    struct core_options options = {.count = 1};
    MUST(core_run_here(&options, run_body, NULL));
}

/* In a process of its own that ends without a stop, as kill -9 does. */
static void with_store_killed(void (*body)(void))
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        present_body = body;
        stop_cleanly = false;
        struct core_options options = {.count = 1};
        error e = core_run_here(&options, run_body, NULL);
        _exit(failed(e) ? 1 : 0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void deliver_and_read(void)
{
    assert_int_equal(deliver("anna", "", "Subject: one\r\n\r\nHello\r\n"), 1);
    assert_int_equal(deliver("anna", "", "Subject: two\r\n\r\nHi\n"), 2);
    struct mailbox *inbox = open_mailbox("anna", "INBOX");
    struct mailbox_status status = mailbox_status(inbox);
    assert_int_equal(status.messages, 2);
    assert_int_equal(status.unseen, 2);
    assert_int_equal(status.recent, 2);
    assert_text(inbox, 1, "Subject: one\r\n\r\nHello\r\n");
    assert_int_equal(mailbox_find(inbox, 2)->virtual_size, mailbox_find(inbox, 2)->size + 1);
    assert_null(mailbox_find(inbox, 3));
    mailbox_close(&inbox);
    assert_int_equal(count_files("anna", "new"), 2);
}

static void read_again(void)
{
    struct mailbox *inbox = open_mailbox("anna", "INBOX");
    assert_int_equal(mailbox_status(inbox).messages, 2);
    assert_int_equal(mailbox_status(inbox).uid_next, 3);
    assert_text(inbox, 1, "Subject: one\r\n\r\nHello\r\n");
    assert_int_equal(deliver("anna", "", "Subject: three\r\n\r\n"), 3);
    mailbox_close(&inbox);
}

static void test_delivers_and_finds_it_after_a_clean_stop(void **state)
{
    (void)state;
    with_store(deliver_and_read);
    with_store(read_again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_delivers_and_finds_it_after_a_clean_stop, set_up,
                                        tear_down),
    };
    (void)with_store_killed;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
