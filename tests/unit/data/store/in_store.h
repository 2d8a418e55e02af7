/* SPDX-License-Identifier: GPL-3.0-or-later
 * A store in a scratch directory for tests: cores with it open, ended cleanly or as kill -9 does.
 */
#pragma once
#include "cores.h"
#include "scratch.h"

#include "data/store/account.h"
#include "data/store/delivery.h"
#include "data/store/mail.h"
#include "runtime/body.h"
#include "runtime/core.h"
#include "runtime/fiber.h"
#include "runtime/message.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct scratch root;
static unsigned test_cores = 1;
static enum journal_durability test_durability = JOURNAL_DURABILITY_JOURNAL;
static size_t test_segment_size = 1 << 20;

static inline int set_up(void **state)
{
    (void)state;
    scratch_make(&root);
    return 0;
}

static inline int tear_down(void **state)
{
    (void)state;
    scratch_remove(&root);
    return 0;
}

static void must(error e, const char *what)
{
    if (failed(e))
        fail_msg("%s: %s (%s, os %d)", what, e.text, error_kind_name(e.kind), e.os);
}
#define MUST(expression) must((expression), #expression)

static inline struct store_settings settings(void)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/state", root.path);
    return (struct store_settings){.path = path,
                                   .durability = test_durability,
                                   .journal_segment_size = test_segment_size,
                                   .journal_segment_count = 2,
                                   .rename_delay = 20 * TIME_MS,
                                   .poll_interval = 20 * TIME_MS};
}

static struct store_account_key key_of(const char *name)
{
    static char paths[4][160], ids[4][64];
    static unsigned next;
    unsigned i = next++ % 4;
    snprintf(paths[i], sizeof paths[i], "%s/mail/%s/Maildir", root.path, name);
    snprintf(ids[i], sizeof ids[i], "%s@example.org", name);
    return (struct store_account_key){slice_from_string(ids[i]), slice_from_string(paths[i]), 0, 0};
}

static inline uint32_t deliver(const char *user, const char *mailbox, const char *text)
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

static inline struct mailbox *open_mailbox(const char *user, const char *name)
{
    struct account *account;
    struct mailbox *mailbox;
    struct store_account_key key = key_of(user);
    MUST(account_open(&key, true, &account));
    MUST(mailbox_open(account, slice_from_string(name), &mailbox));
    account_close(&account);
    return mailbox;
}

static inline void assert_text(struct mailbox *mailbox, uint32_t uid, const char *text)
{
    struct body body;
    MUST(mail_load(mailbox, uid, &body));
    slice want = slice_from_string(text), have = body_slice(&body);
    assert_int_equal(have.size, want.size + 13);
    assert_memory_equal(have.data + 13, want.data, want.size);
    body_close(&body);
}

static inline unsigned count_files(const char *user, const char *folder)
{
    char path[256];
    snprintf(path, sizeof path, "%s/mail/%s/Maildir/%s", root.path, user, folder);
    DIR *directory = opendir(path);
    unsigned count = 0;
    for (struct dirent *entry; directory && (entry = readdir(directory));)
        count += entry->d_name[0] != '.';
    if (directory)
        closedir(directory);
    return count;
}

/* Runs `body` in the first fiber of core 0 with the store open on test_cores cores. */
static void (*present_body)(void);
static bool stop_cleanly;
static error body_result;

static void run_body(void *unused)
{
    (void)unused;
    if (core_self() != 0)
        return;
    struct store_settings s = settings();
    body_result = store_start(&s);
    if (!failed(body_result)) {
        present_body();
        if (stop_cleanly)
            body_result = store_stop();
    }
    if (test_cores > 1)
        cores_stop();
}

static inline error run_store(void (*body)(void), bool cleanly)
{
    present_body = body;
    stop_cleanly = cleanly;
    body_result = OK;
    on_cores(test_cores, run_body);
    return body_result;
}

static inline void with_store(void (*body)(void))
{
    MUST(run_store(body, true));
}

static inline void run_store_unclean(void)
{
    error_ignore(run_store(present_body, false));
}

/* In a process of its own that ends in the middle of things, as kill -9 ends it: `body` must not
 * return. */
static inline void with_store_killed(void (*body)(void))
{
    present_body = body;
    in_killed_process(run_store_unclean);
}
static inline void killed(void)
{
    _exit(0);
}
