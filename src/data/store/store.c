/* SPDX-License-Identifier: GPL-3.0-or-later
 * The store as a whole: started, recovered, stopped; the run file that tells a clean stop. */
#include "data/store/store.h"

#include "base/assert.h"
#include "base/cursor.h"
#include "base/log.h"
#include "base/time.h"
#include "data/store/recover.h"
#include "data/store/state.h"
#include "runtime/file.h"
#include "runtime/message.h"
#include "runtime/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

enum { STORE_DEVICES_MAX = 32 };

struct store_shared store_shared = {.run_file = -1};

/* File systems that hold mail: each is synced by a checkpoint. Cores add, nobody removes while the
 * store runs. syncfs tells of a failed write once for each opening of the file system: every core
 * has its own, opened before anything that it vouches for is written. */
static struct {
    _Atomic uint64_t device; /* plus one; 0: free */
    int *fds;                /* one for each core; NULL: they could not be opened */
    unsigned count;          /* of them */
    bool writes_back;
    _Atomic int state; /* the above are set */
} devices[STORE_DEVICES_MAX];
static _Atomic unsigned devices_era; /* rises when they are forgotten */

/* Syncs of them all. One that began later than something was written has it on the disk. */
static _Atomic uint64_t syncs_begun, syncs_done; /* numbers: of the last begun, the highest done */
static _Atomic uint64_t sync_failures;

/* Local disks, where close has nothing more to tell and early write-back pays. */
static bool is_local_disk(int fd)
{
    enum { EXT4 = 0xEF53, XFS = 0x58465342, F2FS = (int)0xF2F52010 };
    const uint32_t btrfs = 0x9123683E;
    struct statfs facts;
    if (fstatfs(fd, &facts) != 0)
        return false;
    uint32_t type = (uint32_t)facts.f_type;
    return type == EXT4 || type == XFS || type == (uint32_t)F2FS || type == btrfs;
}

error store_cover(int directory)
{
    bool writes_back;
    return store_cover_mail(directory, &writes_back);
}

enum { DEVICE_UNKNOWN, DEVICE_OPEN };

/* False: whoever took the place could not open it, and left. */
static bool device_is_open(unsigned i)
{
    int state = atomic_load(&devices[i].state);
    while (state == DEVICE_UNKNOWN && atomic_load(&devices[i].device) != 0)
        state = atomic_load(&devices[i].state); /* another core is about to say */
    return state == DEVICE_OPEN;
}

static void device_close(unsigned i)
{
    for (unsigned core = 0; core < devices[i].count; core++)
        close(devices[i].fds[core]);
    free(devices[i].fds);
    devices[i].fds = NULL;
    devices[i].count = 0;
    atomic_store(&devices[i].state, DEVICE_UNKNOWN);
    atomic_store(&devices[i].device, 0);
}

static error device_open(unsigned i, int directory)
{
    devices[i].fds = calloc(core_count(), sizeof *devices[i].fds);
    TRY_MEMORY(devices[i].fds);
    for (devices[i].count = 0; devices[i].count < core_count(); devices[i].count++) {
        int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
            return error_system(errno, "cannot open a mailbox");
        devices[i].fds[devices[i].count] = fd;
    }
    devices[i].writes_back = is_local_disk(devices[i].fds[0]);
    atomic_store(&devices[i].state, DEVICE_OPEN);
    return OK;
}

error store_cover_mail(int directory, bool *out_writes_back)
{
    static _Thread_local uint64_t last;
    static _Thread_local unsigned last_era;
    static _Thread_local bool last_writes_back;
    struct stat status;
    if (fstat(directory, &status) != 0)
        return error_system(errno, "cannot look at a mailbox");
    uint64_t device = (uint64_t)status.st_dev + 1;
    unsigned era = atomic_load(&devices_era);
    if (device == last && era == last_era) {
        *out_writes_back = last_writes_back;
        return OK;
    }
    last_era = era;
    last = 0; /* until it is covered */
    for (unsigned i = 0; i < STORE_DEVICES_MAX; i++) {
        uint64_t expected = 0;
        if (atomic_compare_exchange_strong(&devices[i].device, &expected, device)) {
            error problem = device_open(i, directory);
            if (failed(problem)) {
                device_close(i);
                return problem;
            }
            expected = device;
        }
        if (expected == device) {
            if (!device_is_open(i))
                return error_make(ERROR_TEMPORARY, "cannot open a mailbox");
            last = device;
            *out_writes_back = last_writes_back = devices[i].writes_back;
            return OK;
        }
    }
    return error_make(ERROR_LIMIT, "mail lies on too many file systems");
}

uint64_t store_syncs_begun(void)
{
    return atomic_load(&syncs_begun);
}

bool store_synced_since(uint64_t begun)
{
    return atomic_load(&syncs_done) > begun;
}

uint64_t store_sync_failures(void)
{
    return atomic_load(&sync_failures);
}

void store_note_sync_failure(void)
{
    atomic_fetch_add(&sync_failures, 1);
}

error store_make_durable(void *core)
{
    unsigned own = (unsigned)(uintptr_t)core;
    uint64_t number = atomic_fetch_add(&syncs_begun, 1) + 1;
    for (unsigned i = 0; i < STORE_DEVICES_MAX; i++) {
        if (atomic_load(&devices[i].device) == 0)
            continue;
        if (device_is_open(i) && syncfs(devices[i].fds[own]) != 0) {
            int problem = errno;
            store_note_sync_failure();
            return error_system(problem, "cannot sync the store");
        }
    }
    uint64_t done = atomic_load(&syncs_done);
    while (done < number && !atomic_compare_exchange_weak(&syncs_done, &done, number))
        ;
    return OK;
}

static void forget_devices(void)
{
    for (unsigned i = 0; i < STORE_DEVICES_MAX; i++)
        device_close(i);
    atomic_store(&sync_failures, 0);
    atomic_fetch_add(&devices_era, 1);
}

enum journal_durability store_durability(void)
{
    return store_shared.settings.durability;
}

unsigned store_home_core(slice account_id)
{
    return (unsigned)(slice_hash_stable(account_id) % core_count());
}

struct journal_options store_journal_options(void)
{
    const struct store_settings *settings = &store_shared.settings;
    return (struct journal_options){.directory = store_shared.journal_path,
                                    .durability = settings->durability,
                                    .segment_size = settings->journal_segment_size,
                                    .segment_count = settings->journal_segment_count,
                                    .checkpoint_age = settings->checkpoint_age,
                                    .make_durable = store_make_durable,
                                    .made_durable = store_synced,
                                    .argument = (void *)(uintptr_t)core_self()};
}

/* The run file: "stops N clean 0|1\n", locked while the store is in use. */

static error run_file_write(bool clean)
{
    char line[64];
    int size = snprintf(line, sizeof line, "stops %20llu clean %d\n",
                        (unsigned long long)store_shared.stops, clean);
    if (pwrite(store_shared.run_file, line, (size_t)size, 0) != size ||
        fsync(store_shared.run_file) != 0)
        return error_system(errno, "cannot write the store's run file");
    return OK;
}

static bool run_file_parse(slice line, uint64_t *out_stops, uint64_t *out_clean)
{
    struct cursor c = cursor_over(line);
    if (!cursor_take(&c, SLICE("stops")))
        return false;
    cursor_skip_blanks(&c);
    return cursor_take_u64(&c, UINT64_MAX, out_stops) && cursor_take(&c, SLICE(" clean ")) &&
           cursor_take_u64(&c, 1, out_clean);
}

static error run_file_claim(void)
{
    char path[STORE_PATH_SIZE_MAX + 16];
    snprintf(path, sizeof path, "%s/ringmail.run", store_shared.path);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return error_system(errno, "cannot open the store's run file");
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        close(fd);
        return error_make(ERROR_BUSY, "another server uses this store");
    }
    store_shared.run_file = fd;
    return OK;
}

static error run_file_begin(void)
{
    char line[64] = "";
    uint64_t stops = 0, clean = 0;
    ssize_t size = pread(store_shared.run_file, line, sizeof line - 1, 0);
    if (size == 0)
        store_shared.stops = 1; /* a new store */
    else if (size > 0 && run_file_parse(slice_of(line, (size_t)size), &stops, &clean))
        store_shared.stops = clean ? stops : stops + 1;
    else /* damaged: a number that no index has, so that all go on past their ranges */
        store_shared.stops = (uint64_t)time_wall_seconds();
    TRY(run_file_write(false));
    int directory = open(store_shared.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0)
        return error_system(errno, "cannot open the store");
    error problem = store_cover(directory);
    fsync(directory);
    close(directory);
    return problem;
}

static void take_host_name(void)
{
    store_shared.process = (int)getpid();
    char name[sizeof store_shared.host] = "localhost";
    if (gethostname(name, sizeof name - 1) != 0)
        memcpy(name, "localhost", 10);
    size_t at = 0;
    for (const char *c = name; *c && at + 1 < sizeof store_shared.host; c++)
        store_shared.host[at++] = *c == '/' || *c == ':' || *c == ',' ? '_' : *c;
    store_shared.host[at] = '\0';
}

static error take_settings(const struct store_settings *settings)
{
    struct store_settings *own = &store_shared.settings;
    *own = *settings;
    if (!own->accounts_open)
        own->accounts_open = STORE_ACCOUNTS_OPEN_DEFAULT;
    if (!own->mailboxes_open)
        own->mailboxes_open = STORE_MAILBOXES_OPEN_DEFAULT;
    if (!own->rename_delay)
        own->rename_delay = 10 * TIME_S;
    if (!own->poll_interval)
        own->poll_interval = 2 * TIME_S;
    int size = snprintf(store_shared.path, sizeof store_shared.path, "%s", settings->path);
    if (size <= 0 || (size_t)size >= sizeof store_shared.path)
        return error_make(ERROR_PERMANENT, "the store's path is too long");
    size = settings->journal_path && settings->journal_path[0]
               ? snprintf(store_shared.journal_path, sizeof store_shared.journal_path, "%s",
                          settings->journal_path)
               : snprintf(store_shared.journal_path, sizeof store_shared.journal_path, "%s/journal",
                          store_shared.path);
    if (size <= 0 || (size_t)size >= sizeof store_shared.journal_path)
        return error_make(ERROR_PERMANENT, "the journal's path is too long");
    own->path = store_shared.path;
    own->journal_path = store_shared.journal_path;
    return OK;
}

static error core_start(void *unused)
{
    (void)unused;
    return store_core_start();
}

static error core_end(void *unused)
{
    (void)unused;
    store_core_end();
    return OK;
}

static error core_open_journal(void *unused)
{
    (void)unused;
    struct journal_options options = store_journal_options();
    return journal_open(&options);
}

static error core_close_journal(void *unused)
{
    (void)unused;
    journal_close();
    return OK;
}

static error start(void)
{
    TRY(file_make_directories(store_shared.journal_path, 0700));
    TRY(run_file_begin());
    take_host_name();
    TRY(core_broadcast(core_start, NULL));
    TRY(store_recover());
    return core_broadcast(core_open_journal, NULL);
}

static void close_run_file(void)
{
    if (store_shared.run_file >= 0)
        close(store_shared.run_file);
    store_shared.run_file = -1;
    forget_devices();
}

error store_claim(const struct store_settings *settings)
{
    ASSERT(!store_shared.running);
    TRY(take_settings(settings));
    TRY(file_make_directories(store_shared.path, 0700));
    return store_shared.run_file < 0 ? run_file_claim() : OK;
}

error store_start(const struct store_settings *settings)
{
    TRY(store_claim(settings));
    error problem = start();
    if (failed(problem)) {
        error_ignore(core_broadcast(core_end, NULL)); /* the first failure counts */
        error_ignore(core_broadcast(core_close_journal, NULL));
        close_run_file();
        return problem;
    }
    store_shared.running = true;
    return OK;
}

error store_stop(void)
{
    if (!store_shared.running)
        return OK;
    store_shared.running = false;
    TRY(core_broadcast(core_end, NULL));
    TRY(core_broadcast(core_close_journal, NULL));
    error problem =
        store_shared.settings.durability == JOURNAL_DURABILITY_NONE
            ? OK
            : worker_run(WORKER_FILE, store_make_durable, (void *)(uintptr_t)core_self());
    if (!failed(problem) && store_sync_failures() > 0)
        problem = error_make(ERROR_TEMPORARY, "a sync of the store failed: the next start replays");
    if (!failed(problem))
        problem = run_file_write(true);
    close_run_file();
    return problem;
}
