/* SPDX-License-Identifier: GPL-3.0-or-later
 * Deliveries into mailboxes, as the accepting core makes them, beside a plain loop that creates,
 * writes and syncs one file after the other in the same directory.
 *
 *     bench_store [DIRECTORY] [cores] [messages] [bytes] [accounts] [fibers per core] [durability
 * 0-2]
 */
#include "base/metric.h"
#include "data/store/delivery.h"
#include "runtime/core.h"
#include "runtime/crew.h"
#include "runtime/fiber.h"
#include "runtime/message.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *directory;
static unsigned cores = 1, messages = 20000, size = 4096, accounts = 100, fibers = 64;
static unsigned durability;
static atomic_int taken;
static char *text;
static struct histogram times[CORE_COUNT_MAX];

static double cpu_seconds(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           1e-6 * (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static void must(error e)
{
    if (failed(e)) {
        fprintf(stderr, "%s (%s, os %d)\n", e.text, error_kind_name(e.kind), e.os);
        exit(1);
    }
}

static void sender(void *unused)
{
    (void)unused;
    int number;
    while ((number = atomic_fetch_add(&taken, 1)) < (int)messages) {
        char id[64], path[512];
        unsigned account = (unsigned)number % accounts;
        snprintf(id, sizeof id, "user%u@example.org", account);
        snprintf(path, sizeof path, "%s/mail/example.org/user%u/Maildir", directory, account);
        struct store_recipient to = {
            .account = {.id = slice_from_string(id), .path = slice_from_string(path)}};
        slice parts[2] = {SLICE("Return-Path: <a@example.org>\r\n"), slice_of(text, size)};
        struct store_delivery delivery = {
            .parts = parts, .part_count = 2, .recipients = &to, .recipient_count = 1};
        instant begun = time_now();
        must(store_deliver(&delivery));
        must(to.result);
        histogram_add(&times[core_self()], (uint64_t)(time_now() - begun));
    }
}

static void run(void)
{
    struct crew crew;
    crew_init(&crew, NULL);
    for (unsigned i = 0; i < fibers; i++)
        must(fiber_start(&crew, "sender", sender, NULL));
    must(crew_join(&crew, TIME_NEVER));
    crew_close(&crew);
}

static error run_here(void *unused)
{
    (void)unused;
    run();
    return OK;
}

static void measure(const char *what, unsigned count)
{
    messages = count;
    atomic_store(&taken, 0);
    memset(times, 0, sizeof times);
    double cpu = cpu_seconds();
    instant begun = time_now();
    must(core_broadcast(run_here, NULL));
    double wall = (double)(time_now() - begun) * 1e-9;
    cpu = cpu_seconds() - cpu;
    struct histogram all = {0};
    for (unsigned i = 0; i < cores; i++)
        histogram_merge(&all, &times[i]);
    printf("%-10s %7u messages  %8.0f/s  %6.1f us CPU each  p50 %.0f us  p99 %.0f us\n", what,
           count, count / wall, cpu / count * 1e6, (double)histogram_quantile(&all, 0.5) / 1e3,
           (double)histogram_quantile(&all, 0.99) / 1e3);
}

static void core_main(void *unused)
{
    (void)unused;
    if (core_self() != 0)
        return;
    char state[512];
    snprintf(state, sizeof state, "%s/state", directory);
    struct store_settings settings = {.path = state, .durability = durability};
    must(store_start(&settings));
    unsigned wanted = messages;
    measure("first", accounts * 2); /* makes the mailboxes */
    measure("deliver", wanted);
    measure("again", wanted);
    printf(
        "flushes %lld, of bytes %lld; records %lld\n",
        (long long)metric_value(metric_find(SLICE("ringmail_journal_flushes_total"), SLICE(""))),
        (long long)metric_value(
            metric_find(SLICE("ringmail_journal_flush_bytes_total"), SLICE(""))),
        (long long)metric_value(metric_find(SLICE("ringmail_journal_records_total"), SLICE(""))));
    must(store_stop());
    cores_stop();
}

static void plain_loop(bool with_sync)
{
    unsigned count = with_sync ? 500 : 5000;
    char path[512];
    snprintf(path, sizeof path, "%s/plain", directory);
    mkdir(path, 0700);
    double cpu = cpu_seconds();
    instant begun = time_now();
    for (unsigned i = 0; i < count; i++) {
        snprintf(path, sizeof path, "%s/plain/%d-%u", directory, with_sync, i);
        int fd = open(path, O_CREAT | O_EXCL | O_WRONLY, 0600);
        if (fd < 0 || write(fd, text, size) != (ssize_t)size || (with_sync && fsync(fd) != 0))
            exit(1);
        close(fd);
    }
    double wall = (double)(time_now() - begun) * 1e-9;
    printf("%-10s %7u files     %8.0f/s  %6.1f us CPU each\n", with_sync ? "plain+sync" : "plain",
           count, count / wall, (cpu_seconds() - cpu) / count * 1e6);
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
    (void)status;
    (void)kind;
    (void)walk;
    return remove(path);
}

int main(int argc, char **argv)
{
    static char scratch[] = "/var/tmp/ringmail-bench-XXXXXX";
    bool own = argc < 2;
    if (own && !mkdtemp(scratch))
        return 2;
    unsigned *const numbers[] = {&cores, &messages, &size, &accounts, &fibers, &durability};
    directory = own ? scratch : argv[1];
    for (int i = 2; i < argc && i < 8; i++)
        *numbers[i - 2] = (unsigned)strtoul(argv[i], NULL, 10);
    text = malloc(size);
    for (unsigned i = 0; i < size; i++)
        text[i] = i % 64 == 62 ? '\r' : i % 64 == 63 ? '\n' : (char)('a' + i % 26);
    mkdir(directory, 0700);
    plain_loop(false);
    plain_loop(true);
    struct core_options options = {.count = cores, .pin = true};
    must(cores_start(&options, core_main, NULL));
    cores_join();
    return own ? nftw(scratch, remove_one, 16, FTW_DEPTH | FTW_PHYS) : 0;
}
