/* SPDX-License-Identifier: GPL-3.0-or-later
 * The kept part of a queue in a scratch directory, with the store whose journals it needs: ended
 * cleanly, or as kill -9 does. The schedule is a fake that counts.
 */
#pragma once
#include "cores.h"
#include "scratch.h"

#include "data/store/store.h"
#include "runtime/body.h"
#include "runtime/core.h"
#include "runtime/fiber.h"
#include "runtime/message.h"
#include "transport/event.h"
#include "transport/queue/keep.h"
#include "transport/queue/schedule.h"
#include "transport/queue/state.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct scratch root;
static unsigned test_cores = 1;
static enum journal_durability test_durability = JOURNAL_DURABILITY_JOURNAL;
static struct queue_settings test_settings;
static _Atomic unsigned scheduled;

void queue_schedule_add(struct queue_mail *mail)
{
    assert_non_null(mail->content);
    atomic_fetch_add(&scheduled, 1);
}

void transport_event(const struct transport_event *event)
{
    (void)event;
}

static inline int set_up(void **state)
{
    (void)state;
    scratch_make(&root);
    test_cores = 1;
    test_durability = JOURNAL_DURABILITY_JOURNAL;
    test_settings = (struct queue_settings){.mails_max = 1000000,
                                            .memory_max = 64 << 20,
                                            .memory_age = 3600 * TIME_S,
                                            .spool_segment_size = 1 << 20,
                                            .lifetime = 1000 * TIME_S,
                                            .bounce_lifetime = 100 * TIME_S};
    return 0;
}

static inline int tear_down(void **state)
{
    (void)state;
    scratch_remove(&root);
    return 0;
}

static inline void must(error e, const char *what)
{
    if (failed(e))
        fail_msg("%s: %s (%s, os %d)", what, e.text, error_kind_name(e.kind), e.os);
}
#define MUST(expression) must((expression), #expression)

static inline const char *in_root(const char *name)
{
    static char paths[4][256];
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", root.path, name);
    return path;
}

/* ---- Life ---- */

static error open_here(void *unused)
{
    (void)unused;
    return queue_keep_open();
}

static error close_here(void *unused)
{
    (void)unused;
    return queue_keep_close();
}

static void (*present_body)(void);
static bool stop_cleanly;
static error body_result;

static inline error live(void)
{
    struct store_settings store = {.path = in_root("state"),
                                   .durability = test_durability,
                                   .journal_segment_size = 1 << 20,
                                   .journal_segment_count = 4};
    TRY(queue_keep_load(&test_settings, slice_from_string(in_root("state/queue"))));
    TRY(store_start(&store));
    scheduled = 0;
    TRY(core_broadcast(open_here, NULL));
    present_body();
    if (!stop_cleanly)
        return OK;
    TRY(core_broadcast(close_here, NULL));
    return store_stop();
}

static inline void live_on_core(void *unused)
{
    (void)unused;
    if (core_self() != 0)
        return;
    body_result = live();
    if (test_cores > 1)
        cores_stop();
}

static inline error run_queue(void (*body)(void), bool cleanly)
{
    present_body = body;
    stop_cleanly = cleanly;
    body_result = OK;
    on_cores(test_cores, live_on_core);
    return body_result;
}

static inline void with_queue(void (*body)(void))
{
    MUST(run_queue(body, true));
}

static inline void run_queue_unclean(void)
{
    error_ignore(run_queue(present_body, false));
}

/* In a process of its own. `body` must not return; it ends with killed(). */
static inline void with_queue_killed(void (*body)(void))
{
    present_body = body;
    in_killed_process(run_queue_unclean);
}

static inline void killed(void)
{
    _exit(0);
}

/* ---- Mails ---- */

static inline error submit_to(const char *const *addresses, unsigned count, const char *prefix,
                              const char *text, queue_id *out_id)
{
    struct queue_recipient recipients[64] = {0};
    for (unsigned i = 0; i < count; i++)
        recipients[i] = (struct queue_recipient){.address = slice_from_string(addresses[i]),
                                                 .notify = SMTP_NOTIFY_FAILURE};
    struct queue_envelope envelope = {.sender = SLICE("sender@example.org"),
                                      .prefix = slice_from_string(prefix),
                                      .recipients = recipients,
                                      .recipient_count = count,
                                      .envid = SLICE("envid"),
                                      .account = SLICE("sender@example.org"),
                                      .origin = SLICE("s1")};
    struct body body;
    body_init(&body, 64 << 20);
    MUST(body_append(&body, slice_from_string(text)));
    struct queue_submission submission = {.envelopes = &envelope, .count = 1, .body = &body};
    error problem = queue_submit(&submission);
    if (!failed(problem)) {
        assert_null(body.data);
        *out_id = envelope.id;
    } else {
        assert_int_equal(body.size, strlen(text)); /* its submitter has it still */
    }
    body_close(&body);
    return problem;
}

static inline queue_id submit(const char *address, const char *text)
{
    queue_id id = 0;
    MUST(submit_to(&address, 1, "Received: x\r\n", text, &id));
    return id;
}

static inline struct queue_mail *find(queue_id id)
{
    struct queue_mail *mail = queue_keep_find(id);
    assert_non_null(mail);
    return mail;
}

static inline void assert_content(struct queue_mail *mail, const char *prefix, const char *text)
{
    struct body scratch;
    slice body;
    body_init(&scratch, mail->content->size + mail->content->prefix_size);
    mail->content->out++;
    MUST(queue_content_open(mail->content, &scratch, &body));
    slice have = queue_mail_prefix(mail, &scratch), want = slice_from_string(text);
    assert_int_equal(body.size, want.size);
    assert_memory_equal(body.data, want.data, want.size);
    assert_int_equal(have.size, strlen(prefix));
    assert_memory_equal(have.data, prefix, have.size);
    queue_content_release(mail->content, &scratch);
    mail->content->out--;
}

/* What the schedule does when an item ended. */
static inline void decide(struct queue_mail *mail, unsigned item, enum queue_outcome outcome)
{
    struct queue_item *it = &mail->items[item];
    for (uint32_t i = it->first; i < it->first + it->count; i++) {
        mail->open_count -= mail->recipients[i].outcome == QUEUE_OPEN;
        mail->recipients[i].outcome = outcome;
        mail->recipients[i].reported = true; /* or nobody asked */
    }
    queue_keep_outcomes(mail, it);
}

static inline void finish(queue_id id)
{
    struct queue_mail *mail = find(id);
    for (unsigned i = 0; i < mail->item_count; i++)
        decide(mail, i, QUEUE_RELAYED);
    queue_keep_finish(&mail);
    assert_null(mail);
}

static inline void defer(struct queue_mail *mail, unsigned item, const char *response)
{
    struct queue_item *it = &mail->items[item];
    it->attempts++;
    it->due = 1000 + it->attempts;
    it->tried = 900;
    free(it->response);
    it->response = strdup(response);
    queue_keep_state(mail, it);
}

/* What was given to the journal so far is on disk. */
static inline void commit(void)
{
    struct journal_ticket last = keep_here.last_outcome;
    MUST(journal_commit_wait(&last));
}

/* The one segment that is not empty. */
static inline const char *spool_file(void)
{
    static char path[512];
    DIR *listing = opendir(in_root("state/queue"));
    assert_non_null(listing);
    path[0] = '\0';
    for (struct dirent *entry; (entry = readdir(listing));) {
        struct stat status;
        if (strncmp(entry->d_name, "spool-", 6) != 0 ||
            fstatat(dirfd(listing), entry->d_name, &status, 0) != 0 || status.st_size == 0)
            continue;
        assert_string_equal(path, "");
        snprintf(path, sizeof path, "%s/%s", in_root("state/queue"), entry->d_name);
    }
    closedir(listing);
    return path;
}

static inline off_t size_of_file(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 ? status.st_size : -1;
}
