/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "transport/report/period.h"

#include "base/cursor.h"
#include "crypto/random.h"
#include "runtime/worker.h"
#include "transport/route/tls_report_record.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

enum {
    REWRITE_SIZE_MIN = 1 << 20,
    SAVE_SIZE_MAX = 2 * TLS_REPORT_MEMORY_MAX,
    READ_ARENA_MAX = 64 << 10, /* of one record */
};

void report_period_init(struct report_period *period, int directory, int64_t begin, int64_t end)
{
    *period = (struct report_period){.begin = begin, .end = end};
    frame_file_init(&period->file, directory);
    period->file.header =
        (struct frame_header){.magic = TLS_REPORT_MAGIC, .generation = (uint64_t)begin};
    random_bytes(&period->file.header.salt, sizeof period->file.header.salt);
}

void report_period_close(struct report_period *period)
{
    frame_file_close(&period->file);
    tls_report_day_destroy(&period->day);
}

static void name_of(const struct report_period *period, char out_name[FRAME_FILE_NAME_SIZE_MAX + 1])
{
    snprintf(out_name, FRAME_FILE_NAME_SIZE_MAX + 1, "period-%lld-%lld", (long long)period->begin,
             (long long)period->end);
}

bool report_period_name_parse(slice name, int64_t *out_begin, int64_t *out_end)
{
    struct cursor c = cursor_over(name);
    uint64_t begin, end;
    if (!cursor_take(&c, SLICE("period-")) || !cursor_take_u64(&c, INT64_MAX, &begin) ||
        !cursor_take_byte(&c, '-') || !cursor_take_u64(&c, INT64_MAX, &end) || !cursor_done(&c) ||
        end <= begin)
        return false;
    *out_begin = (int64_t)begin;
    *out_end = (int64_t)end;
    return true;
}

error report_period_id(const struct report_period *period, slice domain, struct arena *arena,
                       slice *out_id)
{
    return arena_format(arena, out_id, "%lld-%08x%08x", (long long)period->begin,
                        period->file.header.salt, (unsigned)slice_hash_stable(domain));
}

/* ---- Reading ---- */

struct load {
    struct report_period *period;
    struct arena arena;
};

static error take_record(void *argument, unsigned kind, slice payload)
{
    struct load *load = argument;
    struct tls_report_entry entry;
    slice domain;
    if (kind == TLS_REPORT_DONE) {
        TRY(tls_report_done_read(payload, &domain));
        report_period_forget(load->period, domain);
        return OK;
    }
    arena_reset(&load->arena);
    TRY(tls_report_entry_read(payload, &load->arena, &entry));
    return tls_report_add(load->period->day, &entry);
}

static error load_on_worker(void *argument)
{
    struct load *load = argument;
    struct report_period *period = load->period;
    struct frame_file_found found;
    const struct frame_file_reader reader = {.magic = TLS_REPORT_MAGIC,
                                             .kind_last = TLS_REPORT_KIND_LAST,
                                             .record = take_record,
                                             .argument = load};
    char name[FRAME_FILE_NAME_SIZE_MAX + 1];
    name_of(period, name);
    TRY(frame_file_read(period->file.directory, name, &reader, &found));
    if (!found.exists)
        return OK;
    TRY(frame_file_open(&period->file, name, &found));
    period->whole = period->file.size;
    return OK;
}

error report_period_load(struct report_period *period)
{
    struct load load = {.period = period};
    if (!period->day)
        period->day = tls_report_day_create();
    TRY_MEMORY(period->day);
    arena_init(&load.arena, READ_ARENA_MAX);
    error problem = worker_run(WORKER_FILE, load_on_worker, &load);
    arena_close(&load.arena);
    return problem;
}

/* ---- Writing ---- */

static void write_day(struct report_period *period, const struct tls_report_day *day,
                      struct buffer *out)
{
    size_t position = 0;
    slice key;
    void *value;
    while (day && map_next(&day->entries, &position, &key, &value))
        tls_report_entry_write(out, period->file.header.salt, value);
}

struct save_job {
    struct report_period *period;
    slice records;
    bool whole;
};

static error save_on_worker(void *argument)
{
    struct save_job *job = argument;
    struct frame_file *file = &job->period->file;
    struct frame_header header = file->header;
    char name[FRAME_FILE_NAME_SIZE_MAX + 1];
    name_of(job->period, name);
    return job->whole ? frame_file_replace(file, name, &header, job->records)
                      : frame_file_append(file, job->records, true);
}

/* WAITS. */
static error save(struct report_period *period, slice records, bool whole)
{
    struct save_job job = {period, records, whole};
    error problem = worker_run(WORKER_FILE, save_on_worker, &job);
    period->must_rewrite = failed(problem);
    if (!failed(problem) && whole)
        period->whole = period->file.size;
    return problem;
}

error report_period_add(struct report_period *period, struct tls_report_day **more)
{
    struct buffer records;
    error merged = OK;
    bool whole = period->must_rewrite || period->file.fd < 0 ||
                 (period->file.size > REWRITE_SIZE_MIN && period->file.size > 2 * period->whole);
    if (!(more && *more) && !period->must_rewrite)
        return OK;
    if (!period->day)
        period->day = tls_report_day_create();
    TRY_MEMORY(period->day);
    buffer_init(&records, SAVE_SIZE_MAX);
    if (more && *more) {
        if (!whole)
            write_day(period, *more, &records);
        merged = tls_report_merge(period->day, *more);
        tls_report_day_destroy(more);
    }
    if (whole)
        write_day(period, period->day, &records);
    error problem = buffer_check(&records);
    if (!failed(problem))
        problem = save(period, buffer_slice(&records), whole);
    else
        period->must_rewrite = true;
    buffer_close(&records);
    return failed(problem) ? problem : merged;
}

void report_period_forget(struct report_period *period, slice domain)
{
    char key[TLS_REPORT_DOMAIN_SIZE_MAX + 1];
    if (!period->day || domain.size > TLS_REPORT_DOMAIN_SIZE_MAX)
        return;
    memcpy(key + 1, domain.data, domain.size);
    for (int i = 0; i < TLS_REPORT_POLICIES; i++) {
        key[0] = (char)('0' + i);
        map_remove(&period->day->entries, slice_of(key, domain.size + 1));
    }
}

error report_period_done(struct report_period *period, slice domain)
{
    struct buffer records;
    buffer_init(&records, SAVE_SIZE_MAX);
    report_period_forget(period, domain);
    bool whole = period->must_rewrite || period->file.fd < 0;
    if (whole)
        write_day(period, period->day, &records);
    else
        tls_report_done_write(&records, period->file.header.salt, domain);
    error problem = buffer_check(&records);
    if (!failed(problem))
        problem = save(period, buffer_slice(&records), whole);
    buffer_close(&records);
    return problem;
}

static error remove_on_worker(void *argument)
{
    const struct report_period *period = argument;
    char name[FRAME_FILE_NAME_SIZE_MAX + 1];
    name_of(period, name);
    if (unlinkat(period->file.directory, name, 0) != 0 && errno != ENOENT)
        return error_system(errno, "cannot remove what was reported");
    if (fsync(period->file.directory) != 0) /* else a power cut brings it back */
        return error_system(errno, "cannot sync a directory of state");
    return OK;
}

error report_period_remove(struct report_period *period)
{
    return worker_run(WORKER_FILE, remove_on_worker, period);
}
