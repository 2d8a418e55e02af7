/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "data/scripts/memory.h"

#include "base/time.h"
#include "crypto/crc32c.h"
#include "crypto/digest.h"
#include "data/scripts/scripts.h"
#include "runtime/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Little-endian on the machines that we run on. */
struct record {
    uint8_t key[16];
    int64_t expires; /* seconds since 1970 */
    uint32_t unused;
    uint32_t sum; /* crc32c of what is before it */
};
enum { SUMMED = offsetof(struct record, sum), COUNT_READ = SCRIPT_MEMORY_COUNT_MAX * 3 / 2 };

struct records {
    struct record *items; /* sound ones */
    size_t count, slots;  /* of the file, damaged ones as well */
};

static void make_key(const slice *parts, unsigned count, uint8_t out_key[16])
{
    uint8_t sum[DIGEST_SIZE_MAX];
    struct digest digest;
    digest_init(&digest, DIGEST_SHA256);
    for (unsigned i = 0; i < count; i++) {
        uint64_t size = parts[i].size; /* so that ("a", "bc") is not ("ab", "c") */
        digest_add(&digest, slice_of(&size, sizeof size));
        digest_add(&digest, parts[i]);
    }
    digest_finish(&digest, sum);
    memcpy(out_key, sum, 16);
}

static error read_all(int fd, struct records *out)
{
    *out = (struct records){.items = malloc(COUNT_READ * sizeof(struct record))};
    TRY_MEMORY(out->items);
    ssize_t size = pread(fd, out->items, COUNT_READ * sizeof(struct record), 0);
    if (size < 0)
        return error_system(errno, "read what scripts remember");
    out->slots = (size_t)size / sizeof(struct record);
    for (size_t i = 0; i < out->slots; i++) {
        const struct record *record = &out->items[i];
        if (record->sum == crc32c(0, slice_of(record, SUMMED)))
            out->items[out->count++] = *record;
    }
    return OK;
}

/* The newest of that key: what was said last counts. */
static const struct record *find(const struct records *records, const uint8_t key[16])
{
    for (size_t i = records->count; i-- > 0;)
        if (memcmp(records->items[i].key, key, 16) == 0)
            return &records->items[i];
    return NULL;
}

error script_memory_has(const struct script_memory *memory, const slice *parts, unsigned count,
                        int64_t now, bool *out_has)
{
    uint8_t key[16];
    struct records records;
    *out_has = false;
    int fd = open(memory->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? OK : error_system(errno, "open what scripts remember");
    error problem = read_all(fd, &records);
    close(fd);
    if (!failed(problem)) {
        make_key(parts, count, key);
        const struct record *record = find(&records, key);
        *out_has = record && record->expires > now;
    }
    free(records.items);
    return problem;
}

static int compare_expiry(const void *a, const void *b)
{
    int64_t x = ((const struct record *)a)->expires, y = ((const struct record *)b)->expires;
    return x > y ? -1 : x < y;
}

/* Each key once, nothing that is over; three quarters of the bound at most, so that it is not done
 * again at once. Quadratic in the bound, once in a thousand records. */
static void compact(struct records *records, int64_t now)
{
    size_t kept = 0;
    for (size_t i = 0; i < records->count; i++) {
        const struct record *record = &records->items[i];
        if (record->expires > now && find(records, record->key) == record)
            records->items[kept++] = *record;
        /* find looks from the end: what was moved down is never newer than what is looked for. */
    }
    qsort(records->items, kept, sizeof *records->items, compare_expiry);
    size_t most = SCRIPT_MEMORY_COUNT_MAX / 4 * 3;
    records->count = kept < most ? kept : most;
}

static error write_anew(const struct script_memory *memory, const struct records *records)
{
    char temporary[SCRIPT_PATH_SIZE_MAX + 8];
    const slice part = slice_of(records->items, records->count * sizeof *records->items);
    int size = snprintf(temporary, sizeof temporary, "%s.new", memory->path);
    if (size < 0 || (size_t)size >= sizeof temporary)
        return error_make(ERROR_LIMIT, "path too long");
    unlink(temporary);
    TRY(file_create_in_place(AT_FDCWD, temporary, 0600, &part, 1));
    if (rename(temporary, memory->path) != 0)
        return error_system(errno, "put in place what scripts remember");
    return OK;
}

static error append(const struct script_memory *memory, const struct record *record, bool sync)
{
    int fd = open(memory->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return error_system(errno, "open what scripts remember");
    error problem = OK;
    off_t end = lseek(fd, 0, SEEK_END); /* a record cut off by a full disk must not shift others */
    if (end % (off_t)sizeof *record != 0 && ftruncate(fd, end - end % (off_t)sizeof *record) != 0)
        problem = error_system(errno, "mend what scripts remember");
    if (!failed(problem) && write(fd, record, sizeof *record) != sizeof *record)
        problem = error_system(errno ? errno : ENOSPC, "write what scripts remember");
    if (!failed(problem) && sync)
        problem = file_sync(fd);
    close(fd);
    return problem;
}

static error make_room(const struct script_memory *memory, int64_t now)
{
    struct records records;
    int fd = open(memory->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? OK : error_system(errno, "open what scripts remember");
    off_t size = lseek(fd, 0, SEEK_END);
    if (size < (off_t)(SCRIPT_MEMORY_COUNT_MAX * sizeof(struct record))) {
        close(fd);
        return OK;
    }
    error problem = read_all(fd, &records);
    close(fd);
    if (!failed(problem)) {
        compact(&records, now);
        problem = write_anew(memory, &records);
    }
    free(records.items);
    return problem;
}

error script_memory_add(const struct script_memory *memory, const slice *parts, unsigned count,
                        int64_t now, int64_t expires, bool sync)
{
    struct record record = {.expires = expires};
    make_key(parts, count, record.key);
    record.sum = crc32c(0, slice_of(&record, SUMMED));
    TRY(make_room(memory, now));
    return append(memory, &record, sync);
}
