/* SPDX-License-Identifier: GPL-3.0-or-later
 * A queue with many waiting mails: what taking them in costs, what a start costs (the sweep over
 * the logs), and what memory each takes then. One recipient each; each was tried once.
 *
 *     bench_queue_start [DIRECTORY] [mails] [cores] [body bytes] [prefix bytes] [fill|start|sweep]
 *
 * With the last word only that step: fill leaves the directory as it is, sweep reads one core's log
 * on the main thread, without cores and rings, for valgrind --tool=callgrind.
 */
#include "base/memory.h"
#include "data/store/store.h"
#include "runtime/core.h"
#include "runtime/fiber.h"
#include "runtime/message.h"
#include "transport/event.h"
#include "transport/queue/keep.h"
#include "transport/queue/schedule.h"
#include "transport/queue/state.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *directory;
static unsigned mails = 200000, cores = 1, body_size = 2000, prefix_size = 700;
static _Atomic int64_t taken;
static size_t allocated_before;
static _Atomic uint64_t found;

void queue_schedule_add(struct queue_mail *mail)
{
    (void)mail;
}

void transport_event(const struct transport_event *event)
{
    (void)event;
}

static void must(error e)
{
    if (!failed(e))
        return;
    fprintf(stderr, "%s (%s, os %d)\n", e.text, error_kind_name(e.kind), e.os);
    exit(1);
}

static void submit(unsigned number, const char *prefix, const char *text)
{
    char address[64];
    int size = snprintf(address, sizeof address, "user%u@host%u.example.net", number, number % 977);
    struct queue_recipient to = {.address = slice_of(address, (size_t)size)};
    struct queue_envelope envelope = {.sender = SLICE("somebody@example.org"),
                                      .prefix = slice_of(prefix, prefix_size),
                                      .recipients = &to,
                                      .recipient_count = 1,
                                      .account = SLICE("somebody@example.org"),
                                      .origin = SLICE("1a2b3c4d.1")};
    struct body body;
    body_init(&body, body_size + 1);
    must(body_append(&body, slice_of(text, body_size)));
    struct queue_submission submission = {.envelopes = &envelope, .count = 1, .body = &body};
    struct queue_mail *mail[QUEUE_ENVELOPES_MAX];
    must(queue_keep_add(&submission, mail));
    struct queue_item *item = &mail[0]->items[0];
    item->attempts = 1;
    item->due = time_wall_seconds() + 300;
    item->tried = time_wall_seconds();
    item->response = strdup("mx1.example.net[192.0.2.25]: 451 4.7.1 greylisted, try again later");
    queue_keep_state(mail[0], item);
}

static error fill_here(void *unused)
{
    (void)unused;
    char *prefix = calloc(1, prefix_size + 1), *text = calloc(1, body_size + 1);
    memset(prefix, 'p', prefix_size);
    memset(text, 't', body_size);
    must(queue_keep_open());
    for (int64_t number; (number = atomic_fetch_add(&taken, 1)) < mails;)
        submit((unsigned)number, prefix, text);
    free(prefix);
    free(text);
    must(queue_keep_sync());
    while (queue_keep_memory_bytes() > 0)
        must(fiber_sleep(10 * TIME_MS));
    if (core_self() == 0)
        printf("memory a mail, then: %.0f bytes asked for, bodies' pool of up to 16 MiB included\n",
               (double)(memory_statistics().allocated - allocated_before) / mails);
    return queue_keep_close();
}

static error count_here(void *unused)
{
    (void)unused;
    atomic_fetch_add(&found, queue_keep_count());
    return OK;
}

static error close_here(void *unused)
{
    (void)unused;
    return queue_keep_close();
}

static struct queue_settings settings = {.mails_max = 1000000000,
                                         .memory_max = 256 << 20,
                                         .memory_age = 2 * TIME_S,
                                         .spool_segment_size = 64 << 20,
                                         .lifetime = 5 * 86400 * TIME_S,
                                         .bounce_lifetime = 86400 * TIME_S};

static slice queue_path(void)
{
    static char path[512];
    snprintf(path, sizeof path, "%s/queue", directory);
    return slice_from_string(path);
}

static void fill(void *unused)
{
    (void)unused;
    if (core_self() != 0)
        return;
    struct store_settings store = {.path = directory, .durability = JOURNAL_DURABILITY_NONE};
    must(queue_keep_load(&settings, queue_path()));
    must(store_start(&store));
    allocated_before = memory_statistics().allocated;
    instant begun = time_now();
    must(core_broadcast(fill_here, NULL));
    double seconds = 1e-9 * (double)(time_now() - begun);
    must(store_stop());
    printf(
        "taken in by one fiber a core, spooled, logged (durability none): %.2f s, %.1f us a mail\n",
        seconds, 1e6 * seconds / mails);
    if (cores > 1)
        cores_stop();
}

static void start(void *unused)
{
    (void)unused;
    if (core_self() != 0)
        return;
    size_t before = memory_statistics().allocated, active = memory_statistics().active;
    instant begun = time_now();
    must(queue_keep_load(&settings, queue_path()));
    double seconds = 1e-9 * (double)(time_now() - begun);
    struct memory_statistics after = memory_statistics();
    must(core_broadcast(count_here, NULL));
    printf("read: %.2f s, %.2f us a mail; memory a mail: %.0f bytes asked for, %.0f in pages; "
           "%llu of %u mails\n",
           seconds, 1e6 * seconds / mails, (double)(after.allocated - before) / mails,
           (double)(after.active - active) / mails, (unsigned long long)found, mails);
    if (found != mails)
        exit(1);
    must(core_broadcast(close_here, NULL));
    if (cores > 1)
        cores_stop();
}

/* No core, no ring: valgrind cannot wait in one. */
static void sweep(void)
{
    keep_shared.directory = open(queue_path().data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    keep_shared.log_cores = 1;
    queue_keep_set_settings(&settings);
    instant begun = time_now();
    keep_begin(&keep_here, 0, 1);
    must(keep_sweep(&keep_here));
    printf("swept: %llu mails, %.3f s\n", (unsigned long long)queue_keep_count(),
           1e-9 * (double)(time_now() - begun));
    exit(queue_keep_count() == mails ? 0 : 1);
}

static void in_child(void (*run)(void *unused))
{
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        struct core_options options = {.count = cores};
        if (cores == 1) {
            must(core_run_here(&options, run, NULL));
        } else {
            must(cores_start(&options, run, NULL));
            cores_join();
        }
        fflush(NULL);
        _exit(0);
    }
    int status;
    if (waitpid(child, &status, 0) != child || status != 0)
        exit(1);
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
    (void)status;
    (void)kind;
    (void)walk;
    return remove(path);
}

int main(int count, char **arguments)
{
    static char scratch[] = "/tmp/ringmail-bench-queue-XXXXXX";
    directory = count > 1 ? arguments[1] : mkdtemp(scratch);
    mails = count > 2 ? (unsigned)strtoul(arguments[2], NULL, 10) : mails;
    cores = count > 3 ? (unsigned)strtoul(arguments[3], NULL, 10) : cores;
    body_size = count > 4 ? (unsigned)strtoul(arguments[4], NULL, 10) : body_size;
    prefix_size = count > 5 ? (unsigned)strtoul(arguments[5], NULL, 10) : prefix_size;
    const char *only = count > 6 ? arguments[6] : "";
    if (!directory || mails == 0)
        return 1;
    if (strcmp(only, "sweep") == 0)
        sweep();
    printf("queue start: %u mails of %u bytes, %u of prefix, %u cores\n", mails, body_size,
           prefix_size, cores);
    if (strcmp(only, "start") != 0)
        in_child(fill);
    if (strcmp(only, "fill") != 0)
        in_child(start);
    return only[0] ? 0 : nftw(directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}
