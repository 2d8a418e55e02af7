/* SPDX-License-Identifier: GPL-3.0-or-later
 * Bodies read back from the spool, by any core. */
#include "base/metric.h"
#include "crypto/crc32c.h"
#include "runtime/worker.h"
#include "transport/queue/spool.h"
#include "transport/queue/spool_place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <unistd.h>

METRIC_COUNTER(spool_reads, "ringmail_queue_spool_reads_total", "", "Bodies read from the spool");
METRIC_COUNTER(spool_damaged, "ringmail_queue_spool_damaged_total", "",
               "Bodies that the spool gave back damaged, or not at all");

#define SPOOL_MAGIC 0x50534d52u /* "RMSP" */

void spool_name(uint32_t number, char out_name[SPOOL_NAME_SIZE_MAX])
{
    snprintf(out_name, SPOOL_NAME_SIZE_MAX, "spool-%08x", number);
}

bool spool_name_parse(slice name, uint32_t *out_number)
{
    enum { DIGITS = 8 };
    if (!slice_starts(name, SLICE("spool-")) || name.size != 6 + DIGITS)
        return false;
    uint32_t number = 0;
    for (size_t i = 6; i < name.size; i++) {
        char c = name.data[i];
        if (!ascii_is_digit(c) && (c < 'a' || c > 'f'))
            return false;
        number = number << 4 | (uint32_t)(ascii_is_digit(c) ? c - '0' : c - 'a' + 10);
    }
    *out_number = number;
    return number != 0;
}

static uint32_t sum(const struct spool_header *header, slice prefixes, slice body)
{
    size_t skip = offsetof(struct spool_header, id);
    uint32_t crc = crc32c(0, slice_of((const char *)header + skip, sizeof *header - skip));
    return crc32c(crc32c(crc, prefixes), body);
}

struct spool_header spool_header_of(uint64_t id, slice prefixes, slice body)
{
    struct spool_header header = {.magic = SPOOL_MAGIC,
                                  .id = id,
                                  .body_size = body.size,
                                  .prefix_size = (uint32_t)prefixes.size};
    header.crc = sum(&header, prefixes, body);
    return header;
}

struct read_job {
    int directory;
    uint32_t number;
    uint64_t offset;
    struct spool_header want; /* its crc is what was found */
    char *to;
    size_t size;
    bool may_block;
};

static error damaged(void)
{
    metric_add(&spool_damaged, 1);
    return error_make(ERROR_PERMANENT, "the spool has lost this body");
}

/* ERROR_BUSY: only a worker may go on. */
static error read_open(const struct read_job *job, int fd)
{
    struct spool_header header;
    struct iovec parts[2] = {{&header, sizeof header}, {job->to, job->size}};
    size_t size = sizeof header + job->size, got = 0;
    while (got < size) {
        ssize_t some =
            preadv2(fd, parts, 2, (off_t)(job->offset + got), job->may_block ? 0 : RWF_NOWAIT);
        if (!job->may_block && (some < 0 || (size_t)some < size))
            return error_make(ERROR_BUSY, "not in memory");
        if (some < 0)
            return error_system(errno, "cannot read the spool");
        if (some == 0)
            return damaged();
        got += (size_t)some;
        for (unsigned i = 0; i < 2; i++) {
            size_t step = (size_t)some < parts[i].iov_len ? (size_t)some : parts[i].iov_len;
            parts[i].iov_base = (char *)parts[i].iov_base + step;
            parts[i].iov_len -= step;
            some -= (ssize_t)step;
        }
    }
    slice content = slice_of(job->to, job->size);
    if (header.magic != SPOOL_MAGIC || header.id != job->want.id ||
        header.body_size != job->want.body_size || header.prefix_size != job->want.prefix_size ||
        header.crc != sum(&header, content, SLICE_EMPTY))
        return damaged();
    return OK;
}

static error read_job_run(void *argument)
{
    const struct read_job *job = argument;
    char name[SPOOL_NAME_SIZE_MAX];
    spool_name(job->number, name);
    int fd = openat(job->directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return errno == ENOENT ? damaged() : error_system(errno, "cannot open the spool");
    error problem = read_open(job, fd);
    close(fd);
    return problem;
}

static struct read_job job_of(int directory, const struct queue_content *content)
{
    return (struct read_job){.directory = directory,
                             .number = content->segment->number,
                             .offset = content->offset,
                             .want = {.id = content->id,
                                      .body_size = content->size,
                                      .prefix_size = content->prefix_size},
                             .size = content->prefix_size + content->size};
}

error spool_read(int directory, const struct queue_content *content, struct body *scratch)
{
    struct read_job job = job_of(directory, content);
    TRY(body_reserve(scratch, job.size ? job.size : 1));
    job.to = scratch->data;
    metric_add(&spool_reads, 1);
    error problem = job.size <= SPOOL_READ_IN_PLACE_MAX
                        ? read_job_run(&job)
                        : error_make(ERROR_BUSY, "too much to read in place");
    if (problem.kind == ERROR_BUSY) {
        job.may_block = true;
        problem = worker_run(WORKER_FILE, read_job_run, &job);
    }
    if (failed(problem))
        body_close(scratch);
    else
        scratch->size = job.size;
    return problem;
}

bool spool_is_whole(int directory, const struct queue_content *content)
{
    struct read_job job = job_of(directory, content);
    job.may_block = true;
    job.to = malloc(job.size + 1);
    bool whole = job.to && !failed(read_job_run(&job));
    free(job.to);
    return whole;
}
