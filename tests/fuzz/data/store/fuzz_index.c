/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Any bytes as an index: first byte even, a log (sums made good) upon an empty index; odd, a
 * snapshot with good sums. Whatever is taken must be walked, imaged and taken again.
 */
#include "crypto/crc32c.h"
#include "data/store/index.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void walk(struct index *index)
{
    uint32_t last = 0;
    size_t bytes = 0;
    for (struct mail *mail = index_next_from(index, 1); mail;
         mail = index_next_from(index, mail->uid + 1)) {
        if (mail->uid <= last || index_find(index, mail->uid) != mail)
            return; /* an unverified snapshot may be out of order: only no crash */
        last = mail->uid;
        bytes += index_name(index, mail).size + index_cache(index, mail).size;
    }
    (void)bytes;
    index_has_tombstone(index, SLICE("x"));
    struct buffer image;
    buffer_init(&image, 64 << 20);
    if (!failed(index_image(index, &image))) {
        struct index again;
        index_init(&again);
        char *base = malloc(image.size);
        memcpy(base, image.data, image.size);
        if (failed(index_take_snapshot(&again, base, image.size, false, false)))
            free(base);
        index_free(&again);
    }
    buffer_close(&image);
}

static void fix_log(struct index *index, char *log, size_t size)
{
    for (size_t at = 0; at + 8 <= size;) {
        uint32_t kind_size;
        memcpy(&kind_size, log + at + 4, 4);
        size_t length = kind_size & 0xffffff;
        if (length > size - at - 8) {
            length = size - at - 8;
            kind_size = (kind_size & 0xff000000) | (uint32_t)length;
            memcpy(log + at + 4, &kind_size, 4);
        }
        uint32_t crc = crc32c(0, slice_of(&index->header.file_id, 8));
        crc = crc32c(crc, slice_of(log + at + 4, 4));
        crc = crc32c(crc, slice_of(log + at + 8, length));
        memcpy(log + at, &crc, 4);
        at += (8 + length + 7) & ~(size_t)7;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    bool snapshot = data[0] & 1, verify = data[0] & 2;
    data++, size--;
    char *copy = malloc(size + 1);
    if (size)
        memcpy(copy, data, size);
    struct index index;
    index_init(&index);
    if (snapshot) {
        struct index_header header;
        bool taken = false;
        if (size >= sizeof header) {
            memcpy(&header, copy, sizeof header);
            memcpy(header.magic, INDEX_MAGIC, sizeof header.magic);
            header.snapshot_crc = crc32c(0, slice_of(copy + sizeof header, size - sizeof header));
            header.crc = 0;
            header.crc = crc32c(0, slice_of(&header, sizeof header));
            memcpy(copy, &header, sizeof header);
            taken = !failed(index_take_snapshot(&index, copy, size, false, verify));
        }
        if (taken)
            walk(&index);
        else
            free(copy);
    } else {
        index.header.uid_validity = index.header.uid_next = 1;
        index.header.uid_reserved = 1024;
        fix_log(&index, copy, size);
        if (index_apply_log(&index, slice_of(copy, size)) > size)
            abort();
        walk(&index);
        free(copy);
    }
    index_free(&index);
    return 0;
}
