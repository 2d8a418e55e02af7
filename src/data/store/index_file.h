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
bool index_wants_compaction(const struct index *index);
/* WAITS (worker). Never together with index_reserve. */
error index_compact(struct index *index, int directory, bool durable);
void index_close(struct index *index);
