/* SPDX-License-Identifier: GPL-3.0-or-later
 * Snapshots: an index taken from bytes, and turned into bytes. */
#include "base/time.h"
#include "crypto/crc32c.h"
#include "data/store/index.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#define BROKEN error_make(ERROR_MALFORMED, "the index is damaged")

static uint32_t header_crc(struct index_header header)
{
    header.crc = 0;
    return crc32c(0, slice_of(&header, sizeof header));
}

/* One byte of bit, one of size, the name. */
static error take_keywords(struct index *index, slice bytes)
{
    index->keywords = calloc(STORE_KEYWORDS_MAX, sizeof *index->keywords);
    TRY_MEMORY(index->keywords);
    while (bytes.size >= 2) {
        unsigned bit = (unsigned char)bytes.data[0];
        size_t size = (unsigned char)bytes.data[1];
        if (size == 0) /* padding */
            break;
        if (bit >= index->header.keyword_count || size > bytes.size - 2 || index->keywords[bit] ||
            memchr(bytes.data + 2, 0, size))
            return BROKEN;
        index->keywords[bit] = strndup(bytes.data + 2, size);
        TRY_MEMORY(index->keywords[bit]);
        bytes = slice_from(bytes, 2 + size);
    }
    return bytes.size < 8 ? OK : BROKEN;
}

static error take_tombstones(struct index *index, slice bytes)
{
    uint32_t count = index->header.tombstone_count;
    if (count == 0)
        return OK;
    index->tombstones = malloc(count * sizeof *index->tombstones);
    TRY_MEMORY(index->tombstones);
    memcpy(index->tombstones, bytes.data, count * sizeof *index->tombstones);
    index->tombstone_capacity = count;
    return OK;
}

/* Cheap enough for every opening: the shape, not the content, whose sum is checked after an unclean
 * stop only. Wild offsets in single messages are caught where they are used. */
static bool has_shape(const struct index_header *h, size_t size)
{
    return h->snapshot_size == size && h->mail_count <= INDEX_MAIL_COUNT_MAX &&
           h->keyword_count <= STORE_KEYWORDS_MAX && h->tombstone_count <= INDEX_TOMBSTONES_MAX &&
           h->keywords_at == sizeof *h + h->mail_count * sizeof(struct mail) &&
           h->keywords_at <= h->tombstones_at && h->tombstones_at <= h->heap_at &&
           h->heap_at <= size &&
           h->heap_at - h->tombstones_at == h->tombstone_count * sizeof(struct index_tombstone) &&
           h->uid_validity != 0 && h->uid_next != 0 && h->uid_next <= h->uid_reserved;
}

error index_take_snapshot(struct index *index, char *base, size_t size, bool mapped, bool verify)
{
    struct index_header header;
    if (size < sizeof header)
        return BROKEN;
    memcpy(&header, base, sizeof header);
    if (memcmp(header.magic, INDEX_MAGIC, sizeof header.magic) != 0 ||
        header.crc != header_crc(header) || !has_shape(&header, size))
        return BROKEN;
    if (verify &&
        header.snapshot_crc != crc32c(0, slice_of(base + sizeof header, size - sizeof header)))
        return BROKEN;
    index->header = header;
    struct mail *mails = (struct mail *)(void *)(base + sizeof header);
    if (verify) /* order is what finding relies on */
        for (uint32_t i = 0; i < header.mail_count; i++)
            if (mails[i].uid == 0 || mails[i].uid >= header.uid_next ||
                (i > 0 && mails[i].uid <= mails[i - 1].uid))
                return BROKEN;
    if (header.keyword_count > 0)
        TRY(take_keywords(
            index, slice_of(base + header.keywords_at, header.tombstones_at - header.keywords_at)));
    TRY(take_tombstones(
        index, slice_of(base + header.tombstones_at, header.heap_at - header.tombstones_at)));
    index->base = base;
    index->base_mapped = mapped;
    index->base_mails = mails;
    return OK;
}

static void image_keywords(const struct index *index, struct buffer *out)
{
    for (unsigned bit = 0; index->keywords && bit < index->header.keyword_count; bit++) {
        if (!index->keywords[bit])
            continue;
        slice name = slice_from_string(index->keywords[bit]);
        buffer_add_byte(out, (char)bit);
        buffer_add_byte(out, (char)name.size);
        buffer_add(out, name);
    }
}

static uint32_t image_tombstones(const struct index *index, struct buffer *out)
{
    int64_t oldest = time_wall_seconds() - INDEX_TOMBSTONE_AGE_S;
    uint32_t count = 0;
    for (uint32_t i = 0; i < index->header.tombstone_count; i++)
        if (index->tombstones[i].save_date > oldest) {
            buffer_add(out, slice_of(&index->tombstones[i], sizeof index->tombstones[i]));
            count++;
        }
    return count;
}

/* Names and blobs behind everything else; the messages in `out` are pointed at them. */
static void image_heap(struct index *index, struct buffer *out)
{
    size_t at = sizeof(struct index_header);
    for (struct mail *mail = index_next_from(index, 1); mail;
         mail = index_next_from(index, mail->uid + 1)) {
        struct mail copy = *mail;
        copy.base_name_at = out->size;
        buffer_add(out, index_name(index, mail));
        copy.cache_at = out->size;
        buffer_add(out, index_cache(index, mail));
        if (out->overflow)
            return;
        memcpy(out->data + at, &copy, sizeof copy);
        at += sizeof copy;
    }
}

error index_image(struct index *index, struct buffer *out)
{
    struct index_header header = index->header;
    memcpy(header.magic, INDEX_MAGIC, sizeof header.magic);
    if (header.file_id == 0 && /* kept for life: records move from file to file */
        getrandom(&header.file_id, sizeof header.file_id, 0) != (ssize_t)sizeof header.file_id)
        return error_system(errno, "no random numbers");
    buffer_add(out, slice_of(&header, sizeof header));
    header.mail_count = 0;
    for (struct mail *mail = index_next_from(index, 1); mail;
         mail = index_next_from(index, mail->uid + 1)) {
        buffer_add(out, slice_of(mail, sizeof *mail));
        header.mail_count++;
    }
    header.keywords_at = out->size;
    image_keywords(index, out);
    while (out->size % 8 != 0 && !out->overflow)
        buffer_add_byte(out, 0);
    header.tombstones_at = out->size;
    header.tombstone_count = image_tombstones(index, out);
    header.heap_at = out->size;
    image_heap(index, out);
    while (out->size % 8 != 0 && !out->overflow)
        buffer_add_byte(out, 0);
    TRY(buffer_check(out));
    header.snapshot_size = out->size;
    header.snapshot_crc = crc32c(0, slice_of(out->data + sizeof header, out->size - sizeof header));
    header.crc = header_crc(header);
    memcpy(out->data, &header, sizeof header);
    return OK;
}
