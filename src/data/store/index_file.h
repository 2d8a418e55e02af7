#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The index on disk: loaded, appended to, compacted, its UIDs reserved. `directory` is the
 * mailbox's. Functions without WAITS block in system calls.
 */
#include "data/store/index.h"

/* ERROR_NOT_FOUND: no index yet. ERROR_MALFORMED: damaged beyond its log; header.uid_validity is
 * then set where the header could be read, and uid_next lies past every UID given. `stops` is the
 * store's count of unclean stops: where the index has another, UIDs go on past the reserved range.
 * A log that was cut off is cut back; *out_log_damaged says so. */
error index_load(struct index *index, int directory, uint64_t stops, bool *out_log_damaged);
/* Writes the index, made in memory with index_add, as a new file, durably if `durable`. */
error index_create(struct index *index, int directory, bool durable);
/* Writes what is pending. ERROR_TEMPORARY: kept, and tried again next time. */
error index_write(struct index *index);
/* WAITS (worker). Makes sure that `count` more UIDs may be given. */
error index_reserve(struct index *index, int directory, uint64_t stops, uint32_t count,
                    bool durable);
bool index_wants_reserve(const struct index *index);
/* So few are left that they will not do until the next checkpoint. */
bool index_runs_short(const struct index *index);

/* The same without a sync of its own: the range may be used once the file is known to be on the
 * disk (index_reserved). */
error index_reserve_write(struct index *index, uint64_t stops, uint32_t count,
                          uint32_t *out_reserved);
void index_reserved(struct index *index, uint32_t reserved);
/* WAITS (worker). Syncs the file. */
error index_sync(struct index *index, int directory);

/* Compacting. Between begin and end the new file waits beside the old one, which goes on, until a
 * sync of the file system has it on the disk: it must not take the old one's name before. */
struct index_compaction {
    int directory, fd;
    size_t image_size;
    uint32_t uid_reserved; /* as the image says */
    struct buffer side;    /* what happened since: it follows the image */
    size_t side_written;
    bool side_behind; /* a write of it failed once */
};
bool index_wants_compaction(const struct index *index);
/* WAITS (worker). */
error index_compact_begin(struct index *index, int directory, struct index_compaction *out_begun);
/* Each time before index_write: whatever sync covers a record in the old file covers it in the new
 * one, too. */
void index_compact_follow(struct index_compaction *begun);
/* WAITS (worker). `synced`: the file is known to be on the disk; else, with `durable`, it is synced
 * here. Never together with index_reserve. */
error index_compact_end(struct index *index, struct index_compaction *begun, bool synced,
                        bool durable);
/* Instead of the end. */
void index_compact_abandon(struct index *index, struct index_compaction *begun);
void index_close(struct index *index);
