#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The index of one mailbox: file "ringmail.index" in its directory. A snapshot (header, messages in
 * UID order, keywords, tombstones, heap of names and blobs) is followed by a log of checksummed
 * records in the same file. Opening maps the snapshot privately and applies the log to it; changes
 * are applied in memory by the same code that replays the log, and appended in one write per turn.
 * Written by the home core only. What is on disk is never trusted: every offset is checked.
 */
#include "base/buffer.h"
#include "data/store/mailbox.h"

#define INDEX_FILE_NAME "ringmail.index"
#define INDEX_NEW_FILE_NAME "ringmail.index.new"
#define INDEX_MAGIC "RMINDX1\n"

enum {
    INDEX_MAIL_COUNT_MAX = 16 << 20,
    INDEX_FILE_SIZE_MAX = 1 << 30,
    INDEX_PENDING_SIZE_MAX = 64 << 20,
    INDEX_RECORD_SIZE_MAX = 1 << 16,
    INDEX_COMPACT_LOG_SIZE = 64 << 10, /* a log below this is left alone */
    INDEX_MAP_SIZE_MIN = 64 << 10,     /* smaller snapshots are read, not mapped */
    INDEX_UID_RESERVE_MIN = 1024,
    INDEX_UID_RESERVE_MAX = 65536,
    INDEX_MODSEQ_JUMP = 1 << 20,   /* past what may have been handed out before an unclean stop */
    INDEX_TOMBSTONE_AGE_S = 86400, /* how long after saving an expunged message is remembered */
    INDEX_TOMBSTONES_MAX = 65536,
};

/* Bits of struct mail's `internal`. */
enum { MAIL_EXPUNGED = 1, MAIL_IN_CUR = 2, MAIL_NAME_STALE = 4 };

struct index_header {
    char magic[8];
    uint32_t crc;           /* of the header with this field zero */
    uint32_t snapshot_crc;  /* of what follows the header, up to snapshot_size */
    uint64_t file_id;       /* random for life; seeds the checksums of the log */
    uint64_t snapshot_size; /* header included; the log begins here */
    uint32_t uid_validity, uid_next;
    uint32_t uid_reserved; /* UIDs below it may have been handed out */
    uint32_t recent_from;
    uint64_t modseq;
    uint64_t mailbox_id;
    uint64_t stops; /* unclean stops of the store when this was written */
    uint64_t bytes; /* of all messages */
    uint32_t messages, unseen, deleted;
    uint32_t keyword_count;
    uint32_t mail_count, tombstone_count;
    uint64_t keywords_at, tombstones_at, heap_at;
    int64_t new_changed, cur_changed; /* mtime in ns when last known to agree; 0: unknown */
    uint32_t names_stale;             /* messages whose file name is behind */
    uint32_t reserved[19];
};
_Static_assert(sizeof(struct index_header) == 224, "kept on disk");
_Static_assert(sizeof(struct mail) == 96, "kept on disk");

enum index_kind { /* on disk: never renumber */
                  INDEX_ADD = 1,
                  INDEX_FLAGS = 2,
                  INDEX_EXPUNGE = 3,
                  INDEX_CACHE = 4,
                  INDEX_KEYWORD = 5,
                  INDEX_RESERVE = 6,
                  INDEX_NAME = 7,
                  INDEX_SYNCED = 8,
                  INDEX_RECENT = 9,
                  INDEX_SIZE = 10,
                  INDEX_THREAD = 11,
};

struct index_tombstone {
    uint64_t name_hash; /* slice_hash_stable of the base name */
    int64_t save_date;
};

struct index {
    int fd;
    struct index_header header; /* counters are live; the rest as on disk */
    char *base;                 /* the snapshot, ours to write to; NULL: none */
    bool base_mapped;
    struct mail *base_mails;
    struct mail *tail; /* added since */
    uint32_t tail_count, tail_capacity;
    struct buffer heap; /* of what was added since; offsets count from snapshot_size */
    char **keywords;    /* header.keyword_count names, NULL where a bit has none */
    struct index_tombstone *tombstones;
    uint32_t tombstone_capacity;
    uint64_t file_size;    /* bytes known to be written */
    struct buffer pending; /* records not yet written */
    struct buffer *side;   /* takes a copy of every record while a compaction runs */
    uint32_t uids_given;   /* since it was opened: sizes the next reservation */
    uint32_t uid_durable;  /* UIDs below it may be handed out */
    bool quiet;            /* being made: changes are not logged */
    bool write_failed;     /* the disk refused: tried again before the next change */
    bool directory_unsynced;
};

/* Memory. */
void index_init(struct index *index);
void index_free(struct index *index);

/* Messages. NULL where expunged or never there. */
struct mail *index_find(struct index *index, uint32_t uid);
/* The first living message with uid >= `uid`. */
struct mail *index_next_from(struct index *index, uint32_t uid);
slice index_name(const struct index *index, const struct mail *mail);
slice index_cache(const struct index *index, const struct mail *mail);
bool index_has_tombstone(const struct index *index, slice base_name);

/* Changes: applied and put into pending. ERROR_LIMIT, ERROR_MALFORMED for what cannot be. */
error index_add(struct index *index, const struct mail *mail, slice name, slice cache);
error index_set_flags(struct index *index, uint32_t uid, uint8_t flags, uint64_t keywords);
error index_expunge(struct index *index, uint32_t uid);
error index_set_cache(struct index *index, uint32_t uid, slice cache);
error index_set_keyword(struct index *index, unsigned bit, slice name);
error index_set_name(struct index *index, uint32_t uid, bool in_cur, uint32_t name_flags);
error index_set_synced(struct index *index, int64_t new_changed, int64_t cur_changed);
error index_set_recent(struct index *index, uint32_t from);
error index_set_virtual_size(struct index *index, uint32_t uid, uint64_t size);
error index_set_thread(struct index *index, uint32_t uid, uint64_t thread_id);
error index_set_reserved(struct index *index, uint32_t uid_reserved, uint64_t stops);

/* Applies the records of a log to the index; how many bytes were good. Pure but for memory. */
size_t index_apply_log(struct index *index, slice log);
/* Takes a snapshot that was read or mapped (becomes the index's on success). */
error index_take_snapshot(struct index *index, char *base, size_t size, bool mapped, bool verify);
/* The whole index as a new snapshot file. */
error index_image(struct index *index, struct buffer *out);
