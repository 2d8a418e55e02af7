/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "filter/spam/zip.h"

enum {
    END_SIZE = 22,      /* 4.3.16, without the comment */
    ENTRY_SIZE = 46,    /* 4.3.12, without name, extra and comment */
    FLAG_ENCRYPTED = 1, /* 4.4.4 */
};

static unsigned read_16(slice bytes, size_t at)
{
    return (unsigned char)bytes.data[at] | (unsigned)(unsigned char)bytes.data[at + 1] << 8;
}

static uint32_t read_32(slice bytes, size_t at)
{
    return read_16(bytes, at) | (uint32_t)read_16(bytes, at + 2) << 16;
}

error zip_open(slice bytes, struct zip_reader *out_reader)
{
    if (bytes.size < END_SIZE)
        return error_make(ERROR_MALFORMED, "no ZIP archive");
    size_t first = bytes.size > ZIP_TAIL_SIZE_MAX ? bytes.size - ZIP_TAIL_SIZE_MAX : 0;
    for (size_t at = bytes.size - END_SIZE + 1; at-- > first;) {
        if (memcmp(bytes.data + at, "PK\5\6", 4) != 0)
            continue;
        unsigned entries = read_16(bytes, at + 10);
        uint32_t directory = read_32(bytes, at + 16), size = read_32(bytes, at + 12);
        /* What stands before the archive moves it: count back from the end of the directory. */
        size_t start = size <= at ? at - size : directory;
        if (start > at)
            continue;
        *out_reader =
            (struct zip_reader){.bytes = bytes,
                                .at = start,
                                .left = entries < ZIP_ENTRIES_MAX ? entries : ZIP_ENTRIES_MAX};
        return OK;
    }
    return error_make(ERROR_MALFORMED, "no ZIP archive");
}

bool zip_next(struct zip_reader *reader, struct zip_entry *out_entry)
{
    slice bytes = reader->bytes;
    size_t at = reader->at;
    if (reader->left == 0 || bytes.size < ENTRY_SIZE || at > bytes.size - ENTRY_SIZE ||
        memcmp(bytes.data + at, "PK\1\2", 4) != 0)
        return false;
    size_t name = read_16(bytes, at + 28), extra = read_16(bytes, at + 30),
           comment = read_16(bytes, at + 32);
    if (name > bytes.size - at - ENTRY_SIZE)
        return false;
    *out_entry = (struct zip_entry){.name = slice_sub(bytes, at + ENTRY_SIZE, name),
                                    .encrypted = read_16(bytes, at + 8) & FLAG_ENCRYPTED};
    reader->at = at + ENTRY_SIZE + name + extra + comment;
    reader->left--;
    return true;
}
