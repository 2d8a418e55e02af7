/* SPDX-License-Identifier: GPL-3.0-or-later
 * Reading back every journal of a directory, for recovery at start. */
#include "base/buffer.h"
#include "base/cursor.h"
#include "data/journal/segment.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    READER_SEGMENTS_MAX = 512 * JOURNAL_SEGMENT_COUNT_MAX,
    READER_NAME_SIZE_MAX = 64,
};

#define READER_SEGMENT_SIZE_MAX (1LL << 32) /* what a segment file may hold to be read */

struct found {
    char name[READER_NAME_SIZE_MAX];
    uint32_t core;
    uint64_t generation;
};

struct journal_reader {
    int directory;
    struct found *found; /* live segments in core and generation order */
    size_t found_count, next;
    char *data; /* of the present segment */
    size_t size;
    struct journal_scan scan;
    bool scanning;
    struct buffer assembled; /* a record of several fragments */
    bool assembling;
    enum journal_kind kind;
    uint32_t core;
    uint64_t flush; /* of the last fragment of the record being assembled */
    struct journal_summary summary;
};

static bool parse_segment_name(const char *name, uint64_t *out_core, uint64_t *out_number)
{
    struct cursor c = cursor_over(slice_from_string(name));
    return strlen(name) < READER_NAME_SIZE_MAX && cursor_take(&c, SLICE("journal-")) &&
           cursor_take_u64(&c, 999, out_core) && cursor_take_byte(&c, '-') &&
           cursor_take_u64(&c, 999, out_number) && cursor_done(&c);
}

static error read_header(int directory, const char *name, struct journal_segment_header *out_header,
                         bool *out_valid)
{
    char block[sizeof(struct journal_segment_header)];
    int fd = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return error_system(errno, "cannot open a journal segment");
    ssize_t size = pread(fd, block, sizeof block, 0);
    int problem = errno;
    close(fd);
    if (size < 0)
        return error_system(problem, "cannot read a journal segment");
    *out_valid = journal_segment_header_read(slice_of(block, (size_t)size), out_header);
    return OK;
}

static int found_compare(const void *left, const void *right)
{
    const struct found *a = left, *b = right;
    if (a->core != b->core)
        return a->core < b->core ? -1 : 1;
    return a->generation < b->generation ? -1 : a->generation > b->generation;
}

static error find_segments(struct journal_reader *reader)
{
    int fd = openat(reader->directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *listing = fd < 0 ? NULL : fdopendir(fd);
    if (!listing)
        return error_system(errno, "cannot list the journal's directory");
    error problem = OK;
    for (struct dirent *entry; !failed(problem) && (entry = readdir(listing));) {
        struct journal_segment_header header;
        bool valid = false;
        uint64_t core, number;
        if (!parse_segment_name(entry->d_name, &core, &number))
            continue;
        problem = read_header(reader->directory, entry->d_name, &header, &valid);
        if (failed(problem))
            break;
        if (!valid || header.state != JOURNAL_SEGMENT_LIVE) {
            reader->summary.segments_free++;
            continue;
        }
        struct found *grown = realloc(reader->found, (reader->found_count + 1) * sizeof *grown);
        if (!grown || reader->found_count >= READER_SEGMENTS_MAX) {
            problem = error_make(ERROR_LIMIT, "too many journal segments");
            break;
        }
        reader->found = grown;
        struct found *found = &grown[reader->found_count++];
        *found = (struct found){.core = header.core, .generation = header.generation};
        memcpy(found->name, entry->d_name, strlen(entry->d_name) + 1);
        reader->summary.segments_live++;
    }
    closedir(listing);
    if (reader->found_count > 1)
        qsort(reader->found, reader->found_count, sizeof *reader->found, found_compare);
    return problem;
}

error journal_reader_open(const char *directory, struct journal_reader **out_reader)
{
    struct journal_reader *reader = calloc(1, sizeof *reader);
    TRY_MEMORY(reader);
    buffer_init(&reader->assembled, (size_t)READER_SEGMENT_SIZE_MAX * 2);
    reader->directory = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    error problem = reader->directory < 0
                        ? error_system(errno, "cannot open the journal's directory")
                        : find_segments(reader);
    if (failed(problem)) {
        journal_reader_close(&reader);
        return problem;
    }
    *out_reader = reader;
    return OK;
}

void journal_reader_close(struct journal_reader **reader)
{
    if (!*reader)
        return;
    if ((*reader)->directory >= 0)
        close((*reader)->directory);
    buffer_close(&(*reader)->assembled);
    free((*reader)->found);
    free((*reader)->data);
    free(*reader);
    *reader = NULL;
}

void journal_reader_rewind(struct journal_reader *reader)
{
    reader->next = 0;
    reader->scanning = reader->assembling = false;
    reader->summary.records = reader->summary.bytes = 0;
    reader->summary.torn = reader->summary.corrupt = 0;
}

struct journal_summary journal_reader_summary(const struct journal_reader *reader)
{
    return reader->summary;
}

/* What cannot be read counts as damage: the rest is worth replaying. */
static error load_segment(struct journal_reader *reader, const struct found *found)
{
    int fd = openat(reader->directory, found->name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return error_system(errno, "cannot open a journal segment");
    struct stat status;
    error problem = OK;
    if (fstat(fd, &status) != 0 || status.st_size > READER_SEGMENT_SIZE_MAX)
        problem = error_make(ERROR_LIMIT, "a journal segment is too large");
    char *data = failed(problem) ? NULL : realloc(reader->data, (size_t)status.st_size + 1);
    if (!failed(problem) && !data)
        problem = error_make(ERROR_LIMIT, "no memory for a journal segment");
    if (failed(problem)) {
        close(fd);
        return problem;
    }
    reader->data = data;
    reader->size = 0;
    while (reader->size < (size_t)status.st_size) {
        ssize_t got = pread(fd, data + reader->size, (size_t)status.st_size - reader->size,
                            (off_t)reader->size);
        if (got <= 0) {
            if (got < 0)
                reader->summary.corrupt++;
            break;
        }
        reader->size += (size_t)got;
    }
    close(fd);
    return OK;
}

/* The next segment; ERROR_CLOSED after the last. */
static error next_segment(struct journal_reader *reader)
{
    if (reader->scanning) {
        reader->summary.corrupt += reader->scan.damaged;
        reader->summary.torn += reader->scan.tail_ignored;
        reader->scanning = false;
    }
    if (reader->next >= reader->found_count)
        return error_make(ERROR_CLOSED, "end of the journals");
    const struct found *found = &reader->found[reader->next++];
    if (found->core != reader->core)
        reader->assembling = false;
    reader->core = found->core;
    TRY(load_segment(reader, found));
    reader->scanning = journal_scan_begin(&reader->scan, slice_of(reader->data, reader->size));
    return OK;
}

/* Puts a fragment where it belongs; true once a record is whole. */
static bool take_fragment(struct journal_reader *reader, struct journal_fragment fragment,
                          slice payload, struct journal_record *out_record)
{
    bool first = fragment.flags & JOURNAL_FRAGMENT_FIRST;
    bool last = fragment.flags & JOURNAL_FRAGMENT_LAST;
    if (first) {
        reader->kind = fragment.kind;
        reader->assembling = !last;
        buffer_reset(&reader->assembled);
    } else if (!reader->assembling || fragment.kind != (uint8_t)reader->kind ||
               fragment.flush - reader->flush > 1) {
        reader->assembling = false; /* freed by a checkpoint, or a flush between them was lost */
        return false;
    }
    reader->flush = fragment.flush;
    if (!first || !last) {
        buffer_add(&reader->assembled, payload);
        if (failed(buffer_check(&reader->assembled))) {
            reader->assembling = false;
            reader->summary.corrupt++;
            return false;
        }
        payload = buffer_slice(&reader->assembled);
    }
    if (!last)
        return false;
    reader->assembling = false;
    *out_record = (struct journal_record){reader->kind, reader->core, payload};
    reader->summary.records++;
    reader->summary.bytes += payload.size;
    return true;
}

error journal_reader_next(struct journal_reader *reader, struct journal_record *out_record)
{
    for (;;) {
        struct journal_fragment fragment;
        slice payload;
        if (!reader->scanning || !journal_scan_next(&reader->scan, &fragment, &payload)) {
            TRY(next_segment(reader));
            continue;
        }
        if (take_fragment(reader, fragment, payload, out_record))
            return OK;
    }
}

static error free_segment(int directory, const char *name, struct journal_segment_header header)
{
    char *block = aligned_alloc(JOURNAL_BLOCK_SIZE, JOURNAL_BLOCK_SIZE);
    TRY_MEMORY(block);
    header.state = JOURNAL_SEGMENT_FREE;
    journal_segment_header_write(header, block);
    error problem = OK;
    int fd = openat(directory, name, O_WRONLY | O_DSYNC | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 || pwrite(fd, block, JOURNAL_BLOCK_SIZE, 0) != JOURNAL_BLOCK_SIZE)
        problem = error_system(errno, "cannot free a journal segment");
    if (fd >= 0)
        close(fd);
    free(block);
    return problem;
}

error journal_recycle_all(const struct journal_options *options, unsigned core_count)
{
    unsigned count =
        options->segment_count ? options->segment_count : JOURNAL_SEGMENT_COUNT_DEFAULT;
    size_t size = options->segment_size ? options->segment_size : JOURNAL_SEGMENT_SIZE_DEFAULT;
    DIR *listing = opendir(options->directory);
    if (!listing)
        return error_system(errno, "cannot list the journal's directory");
    error problem = OK;
    for (struct dirent *entry; !failed(problem) && (entry = readdir(listing));) {
        struct journal_segment_header header;
        bool valid = false;
        uint64_t core, number;
        if (!parse_segment_name(entry->d_name, &core, &number))
            continue;
        problem = read_header(dirfd(listing), entry->d_name, &header, &valid);
        if (failed(problem))
            break;
        bool unused = core >= core_count || number >= count || (valid && header.size != size);
        if (unused)
            problem = unlinkat(dirfd(listing), entry->d_name, 0) == 0
                          ? OK
                          : error_system(errno, "cannot remove a journal segment");
        else if (valid && header.state == JOURNAL_SEGMENT_LIVE)
            problem = free_segment(dirfd(listing), entry->d_name, header);
    }
    closedir(listing);
    return problem;
}
