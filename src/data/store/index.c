/* SPDX-License-Identifier: GPL-3.0-or-later
 * The index in memory: found, changed, and changed again by its log. */
#include "data/store/index.h"

#include "crypto/crc32c.h"
#include "data/store/maildir_name.h"

#include <stdlib.h>
#include <sys/mman.h>

#define BROKEN error_make(ERROR_MALFORMED, "the index is damaged")

/* Every record: checksum, kind and size, payload, zeros up to 8 bytes. */
struct record_head {
    uint32_t crc; /* of kind_size and payload, seeded by the file's id */
    uint32_t kind_size;
};

struct flags_record {
    uint32_t uid, flags;
    uint64_t keywords, modseq;
};
struct expunge_record {
    uint32_t uid, unused;
    uint64_t modseq;
};
struct reserve_record {
    uint32_t uid_reserved, uid_next;
    uint64_t stops, modseq;
};
struct name_record {
    uint32_t uid, in_cur, name_flags, unused;
};
struct number_record {
    uint32_t uid, unused;
    uint64_t number;
};
struct synced_record {
    int64_t new_changed, cur_changed;
};

void index_init(struct index *index)
{
    memset(index, 0, sizeof *index);
    index->fd = -1;
    buffer_init(&index->heap, INDEX_FILE_SIZE_MAX);
    buffer_init(&index->pending, INDEX_PENDING_SIZE_MAX);
}

void index_free(struct index *index)
{
    if (index->base_mapped)
        munmap(index->base, index->header.snapshot_size);
    else
        free(index->base);
    free(index->tail);
    free(index->tombstones);
    if (index->keywords)
        for (unsigned i = 0; i < STORE_KEYWORDS_MAX; i++)
            free(index->keywords[i]);
    free(index->keywords);
    buffer_close(&index->heap);
    buffer_close(&index->pending);
    index->base = NULL;
    index->base_mails = index->tail = NULL;
    index->tombstones = NULL;
    index->keywords = NULL;
    index->tail_count = index->tail_capacity = index->tombstone_capacity = 0;
}

/* Finding. */

/* Position of the first mail with uid >= `uid`. */
static uint32_t lower_bound(const struct mail *mails, uint32_t count, uint32_t uid)
{
    uint32_t low = 0, high = count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (mails[middle].uid < uid)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct mail *index_next_from(struct index *index, uint32_t uid)
{
    for (uint32_t i = lower_bound(index->base_mails, index->header.mail_count, uid);
         i < index->header.mail_count; i++)
        if (!(index->base_mails[i].internal & MAIL_EXPUNGED))
            return &index->base_mails[i];
    for (uint32_t i = lower_bound(index->tail, index->tail_count, uid); i < index->tail_count; i++)
        if (!(index->tail[i].internal & MAIL_EXPUNGED))
            return &index->tail[i];
    return NULL;
}

struct mail *index_find(struct index *index, uint32_t uid)
{
    struct mail *mails = index->base_mails;
    uint32_t count = index->header.mail_count;
    if (index->tail_count > 0 && uid >= index->tail[0].uid) {
        mails = index->tail;
        count = index->tail_count;
    }
    uint32_t at = lower_bound(mails, count, uid);
    if (at == count || mails[at].uid != uid || mails[at].internal & MAIL_EXPUNGED)
        return NULL;
    return &mails[at];
}

/* Bytes of the snapshot's heap or of what was added since; empty where the offset is wild. */
static slice heap_slice(const struct index *index, uint64_t at, size_t size)
{
    uint64_t snapshot = index->header.snapshot_size;
    if (size == 0)
        return SLICE_EMPTY;
    if (at < snapshot)
        return at < sizeof index->header || size > snapshot - at ? SLICE_EMPTY
                                                                 : slice_of(index->base + at, size);
    at -= snapshot;
    if (at > index->heap.size || size > index->heap.size - at)
        return SLICE_EMPTY;
    return slice_of(index->heap.data + at, size);
}

slice index_name(const struct index *index, const struct mail *mail)
{
    return heap_slice(index, mail->base_name_at, mail->base_name_size);
}

slice index_cache(const struct index *index, const struct mail *mail)
{
    return mail->cache_size ? heap_slice(index, mail->cache_at, mail->cache_size) : SLICE_EMPTY;
}

bool index_has_tombstone(const struct index *index, slice base_name)
{
    uint64_t hash = slice_hash_stable(base_name);
    for (uint32_t i = 0; i < index->header.tombstone_count; i++)
        if (index->tombstones[i].name_hash == hash)
            return true;
    return false;
}

/* Applying: the one way in which an index changes, by the hand of its owner or of its log. */

static error heap_add(struct index *index, slice bytes, uint64_t *out_at)
{
    size_t at = index->heap.size;
    buffer_add(&index->heap, bytes);
    if (index->heap.overflow)
        return error_make(ERROR_LIMIT, "the index is full");
    *out_at = index->header.snapshot_size + at;
    return OK;
}

static void count_mail(struct index *index, const struct mail *mail, int by)
{
    index->header.messages += (uint32_t)by;
    index->header.bytes += (uint64_t)by * mail->size;
    if (!(mail->flags & MAIL_SEEN))
        index->header.unseen += (uint32_t)by;
    if (mail->flags & MAIL_DELETED)
        index->header.deleted += (uint32_t)by;
}

/* Is the file name behind the flags? Counted, so that nobody needs to search. */
static void judge_name(struct index *index, struct mail *mail)
{
    bool wants_cur = mail->internal & MAIL_IN_CUR || mail->flags || mail->keywords;
    bool stale = (wants_cur && !(mail->internal & MAIL_IN_CUR)) ||
                 maildir_flags(mail->flags, mail->keywords, mail->name_flags) != mail->name_flags;
    if (stale && !(mail->internal & MAIL_NAME_STALE)) {
        mail->internal |= MAIL_NAME_STALE;
        index->header.names_stale++;
    } else if (!stale && mail->internal & MAIL_NAME_STALE) {
        mail->internal &= (uint8_t)~MAIL_NAME_STALE;
        index->header.names_stale--;
    }
}

static void take_modseq(struct index *index, uint64_t modseq)
{
    if (modseq > index->header.modseq)
        index->header.modseq = modseq;
}

static error apply_add(struct index *index, slice payload)
{
    struct mail mail;
    if (payload.size < sizeof mail)
        return BROKEN;
    memcpy(&mail, payload.data, sizeof mail);
    slice rest = slice_from(payload, sizeof mail);
    if (mail.uid == 0 || mail.uid == UINT32_MAX || mail.uid < index->header.uid_next ||
        mail.base_name_size == 0 || mail.base_name_size > MAILDIR_FILE_NAME_SIZE_MAX ||
        rest.size != (size_t)mail.base_name_size + mail.cache_size || mail.size > INT64_MAX)
        return BROKEN;
    if (index->tail_count == index->tail_capacity) {
        uint32_t capacity = index->tail_capacity ? index->tail_capacity * 2 : 4;
        if (capacity > INDEX_MAIL_COUNT_MAX)
            return error_make(ERROR_LIMIT, "too many messages in the mailbox");
        struct mail *grown = realloc(index->tail, capacity * sizeof *grown);
        TRY_MEMORY(grown);
        index->tail = grown;
        index->tail_capacity = capacity;
    }
    TRY(heap_add(index, slice_sub(rest, 0, mail.base_name_size), &mail.base_name_at));
    mail.cache_at = 0;
    if (mail.cache_size)
        TRY(heap_add(index, slice_from(rest, mail.base_name_size), &mail.cache_at));
    mail.internal &= MAIL_IN_CUR;
    index->tail[index->tail_count++] = mail;
    index->header.uid_next = mail.uid + 1;
    take_modseq(index, mail.modseq);
    count_mail(index, &mail, 1);
    judge_name(index, &index->tail[index->tail_count - 1]);
    return OK;
}

static error apply_flags(struct index *index, slice payload)
{
    struct flags_record r;
    if (payload.size != sizeof r)
        return BROKEN;
    memcpy(&r, payload.data, sizeof r);
    struct mail *mail = index_find(index, r.uid);
    if (!mail)
        return BROKEN;
    count_mail(index, mail, -1);
    mail->flags = r.flags & MAIL_FLAGS;
    mail->keywords = r.keywords;
    mail->modseq = r.modseq;
    count_mail(index, mail, 1);
    take_modseq(index, r.modseq);
    judge_name(index, mail);
    return OK;
}

static error keep_tombstone(struct index *index, struct index_tombstone tombstone)
{
    if (index->header.tombstone_count == index->tombstone_capacity) {
        uint32_t capacity = index->tombstone_capacity ? index->tombstone_capacity * 2 : 8;
        if (capacity > INDEX_TOMBSTONES_MAX) { /* the oldest half is the least likely needed */
            uint32_t half = index->header.tombstone_count / 2;
            memmove(index->tombstones, index->tombstones + half,
                    (index->header.tombstone_count - half) * sizeof tombstone);
            index->header.tombstone_count -= half;
            capacity = index->tombstone_capacity;
        }
        struct index_tombstone *grown = realloc(index->tombstones, capacity * sizeof *grown);
        TRY_MEMORY(grown);
        index->tombstones = grown;
        index->tombstone_capacity = capacity;
    }
    index->tombstones[index->header.tombstone_count++] = tombstone;
    return OK;
}

static error apply_expunge(struct index *index, slice payload)
{
    struct expunge_record r;
    if (payload.size != sizeof r)
        return BROKEN;
    memcpy(&r, payload.data, sizeof r);
    struct mail *mail = index_find(index, r.uid);
    if (!mail)
        return BROKEN;
    if (mail->save_date > time_wall_seconds() - INDEX_TOMBSTONE_AGE_S)
        TRY(keep_tombstone(
            index,
            (struct index_tombstone){slice_hash_stable(index_name(index, mail)), mail->save_date}));
    count_mail(index, mail, -1);
    if (mail->internal & MAIL_NAME_STALE)
        index->header.names_stale--;
    mail->internal = MAIL_EXPUNGED;
    take_modseq(index, r.modseq);
    return OK;
}

static error apply_cache(struct index *index, slice payload)
{
    uint32_t uid;
    if (payload.size < sizeof uid)
        return BROKEN;
    memcpy(&uid, payload.data, sizeof uid);
    struct mail *mail = index_find(index, uid);
    if (!mail)
        return BROKEN;
    slice blob = slice_from(payload, sizeof uid);
    uint64_t at;
    TRY(heap_add(index, blob, &at));
    mail->cache_at = at;
    mail->cache_size = (uint32_t)blob.size;
    return OK;
}

static error apply_keyword(struct index *index, unsigned bit, slice name)
{
    if (bit >= STORE_KEYWORDS_MAX || name.size == 0 || name.size > STORE_KEYWORD_SIZE_MAX ||
        memchr(name.data, 0, name.size))
        return BROKEN;
    if (!index->keywords)
        index->keywords = calloc(STORE_KEYWORDS_MAX, sizeof *index->keywords);
    TRY_MEMORY(index->keywords);
    char *copy = strndup(name.data, name.size);
    TRY_MEMORY(copy);
    free(index->keywords[bit]);
    index->keywords[bit] = copy;
    if (bit >= index->header.keyword_count)
        index->header.keyword_count = bit + 1;
    return OK;
}

static error apply_reserve(struct index *index, slice payload)
{
    struct reserve_record r;
    if (payload.size != sizeof r)
        return BROKEN;
    memcpy(&r, payload.data, sizeof r);
    if (r.uid_next < index->header.uid_next || r.uid_reserved < r.uid_next ||
        r.uid_reserved < index->header.uid_reserved)
        return BROKEN;
    index->header.uid_next = r.uid_next;
    index->header.uid_reserved = r.uid_reserved;
    index->header.stops = r.stops;
    take_modseq(index, r.modseq);
    return OK;
}

static error apply_name(struct index *index, slice payload)
{
    struct name_record r;
    if (payload.size != sizeof r)
        return BROKEN;
    memcpy(&r, payload.data, sizeof r);
    struct mail *mail = index_find(index, r.uid);
    if (!mail)
        return BROKEN;
    mail->internal = (uint8_t)((mail->internal & ~MAIL_IN_CUR) | (r.in_cur ? MAIL_IN_CUR : 0));
    mail->name_flags = r.name_flags;
    judge_name(index, mail);
    return OK;
}

static error apply_number(struct index *index, enum index_kind kind, slice payload)
{
    struct number_record r;
    if (payload.size != sizeof r)
        return BROKEN;
    memcpy(&r, payload.data, sizeof r);
    if (kind == INDEX_RECENT) {
        index->header.recent_from = r.uid;
        return OK;
    }
    struct mail *mail = index_find(index, r.uid);
    if (!mail || r.number > INT64_MAX)
        return BROKEN;
    if (kind == INDEX_SIZE)
        mail->virtual_size = r.number;
    else
        mail->thread_id = r.number;
    return OK;
}

static error apply_synced(struct index *index, slice payload)
{
    struct synced_record r;
    if (payload.size != sizeof r)
        return BROKEN;
    memcpy(&r, payload.data, sizeof r);
    index->header.new_changed = r.new_changed;
    index->header.cur_changed = r.cur_changed;
    return OK;
}

static error apply(struct index *index, enum index_kind kind, slice payload)
{
    switch (kind) {
    case INDEX_ADD:
        return apply_add(index, payload);
    case INDEX_FLAGS:
        return apply_flags(index, payload);
    case INDEX_EXPUNGE:
        return apply_expunge(index, payload);
    case INDEX_CACHE:
        return apply_cache(index, payload);
    case INDEX_KEYWORD:
        return payload.size < 1
                   ? BROKEN
                   : apply_keyword(index, (unsigned char)payload.data[0], slice_from(payload, 1));
    case INDEX_RESERVE:
        return apply_reserve(index, payload);
    case INDEX_NAME:
        return apply_name(index, payload);
    case INDEX_SYNCED:
        return apply_synced(index, payload);
    case INDEX_RECENT:
    case INDEX_SIZE:
    case INDEX_THREAD:
        return apply_number(index, kind, payload);
    }
    return BROKEN;
}

static uint32_t record_crc(const struct index *index, uint32_t kind_size, slice payload)
{
    uint32_t crc = crc32c(0, slice_of(&index->header.file_id, sizeof index->header.file_id));
    crc = crc32c(crc, slice_of(&kind_size, sizeof kind_size));
    return crc32c(crc, payload);
}

size_t index_apply_log(struct index *index, slice log)
{
    size_t at = 0;
    struct record_head head;
    while (log.size - at >= sizeof head) {
        memcpy(&head, log.data + at, sizeof head);
        size_t size = head.kind_size & 0xffffff;
        size_t step = (sizeof head + size + 7) & ~(size_t)7;
        if (step > log.size - at) /* also where only the padding is missing */
            break;
        slice payload = slice_of(log.data + at + sizeof head, size);
        if (head.crc != record_crc(index, head.kind_size, payload) ||
            failed(apply(index, head.kind_size >> 24, payload)))
            break;
        at += step;
    }
    return at;
}

static void append(struct index *index, struct buffer *to, enum index_kind kind, slice payload)
{
    static const char zeros[8];
    struct record_head head = {.kind_size = (uint32_t)kind << 24 | (uint32_t)payload.size};
    head.crc = record_crc(index, head.kind_size, payload);
    buffer_add(to, slice_of(&head, sizeof head));
    buffer_add(to, payload);
    buffer_add(to, slice_of(zeros, -(sizeof head + payload.size) & 7));
}

static error change(struct index *index, enum index_kind kind, const void *data, size_t size)
{
    slice payload = slice_of(data, size);
    TRY(apply(index, kind, payload));
    if (index->quiet)
        return OK;
    append(index, &index->pending, kind, payload);
    if (index->side)
        append(index, index->side, kind, payload);
    return buffer_check(&index->pending);
}

/* Changing. */

error index_add(struct index *index, const struct mail *mail, slice name, slice cache)
{
    if (cache.size > STORE_CACHE_BLOB_SIZE_MAX)
        cache = SLICE_EMPTY;
    /* Not on a fiber's stack; `name` and `cache` may lie in this index's heap. */
    static _Thread_local char
        payload[sizeof *mail + MAILDIR_FILE_NAME_SIZE_MAX + STORE_CACHE_BLOB_SIZE_MAX];
    if (name.size == 0)
        return BROKEN;
    if (name.size > MAILDIR_FILE_NAME_SIZE_MAX)
        return error_make(ERROR_LIMIT, "file name too long");
    struct mail copy = *mail;
    copy.base_name_size = (uint16_t)name.size;
    copy.cache_size = (uint32_t)cache.size;
    copy.base_name_at = copy.cache_at = 0;
    memcpy(payload, &copy, sizeof copy);
    memcpy(payload + sizeof copy, name.data, name.size);
    if (cache.size)
        memcpy(payload + sizeof copy + name.size, cache.data, cache.size);
    return change(index, INDEX_ADD, payload, sizeof copy + name.size + cache.size);
}

error index_set_flags(struct index *index, uint32_t uid, uint8_t flags, uint64_t keywords)
{
    struct flags_record r = {uid, flags, keywords, index->header.modseq + 1};
    return change(index, INDEX_FLAGS, &r, sizeof r);
}

error index_expunge(struct index *index, uint32_t uid)
{
    struct expunge_record r = {uid, 0, index->header.modseq + 1};
    return change(index, INDEX_EXPUNGE, &r, sizeof r);
}

error index_set_cache(struct index *index, uint32_t uid, slice cache)
{
    static _Thread_local char payload[sizeof uid + STORE_CACHE_BLOB_SIZE_MAX];
    if (cache.size > STORE_CACHE_BLOB_SIZE_MAX)
        return OK;
    memcpy(payload, &uid, sizeof uid);
    if (cache.size)
        memcpy(payload + sizeof uid, cache.data, cache.size);
    return change(index, INDEX_CACHE, payload, sizeof uid + cache.size);
}

error index_set_keyword(struct index *index, unsigned bit, slice name)
{
    char payload[1 + STORE_KEYWORD_SIZE_MAX];
    if (name.size > STORE_KEYWORD_SIZE_MAX)
        return error_make(ERROR_LIMIT, "keyword too long");
    payload[0] = (char)bit;
    memcpy(payload + 1, name.data, name.size);
    return change(index, INDEX_KEYWORD, payload, 1 + name.size);
}

error index_set_name(struct index *index, uint32_t uid, bool in_cur, uint32_t name_flags)
{
    struct name_record r = {uid, in_cur, name_flags, 0};
    return change(index, INDEX_NAME, &r, sizeof r);
}

error index_set_synced(struct index *index, int64_t new_changed, int64_t cur_changed)
{
    struct synced_record r = {new_changed, cur_changed};
    return change(index, INDEX_SYNCED, &r, sizeof r);
}

error index_set_recent(struct index *index, uint32_t from)
{
    struct number_record r = {from, 0, 0};
    return change(index, INDEX_RECENT, &r, sizeof r);
}

error index_set_virtual_size(struct index *index, uint32_t uid, uint64_t size)
{
    struct number_record r = {uid, 0, size};
    return change(index, INDEX_SIZE, &r, sizeof r);
}

error index_set_thread(struct index *index, uint32_t uid, uint64_t thread_id)
{
    struct number_record r = {uid, 0, thread_id};
    return change(index, INDEX_THREAD, &r, sizeof r);
}

error index_set_reserved(struct index *index, uint32_t uid_reserved, uint64_t stops)
{
    struct reserve_record r = {uid_reserved, index->header.uid_next, stops, index->header.modseq};
    return change(index, INDEX_RESERVE, &r, sizeof r);
}
