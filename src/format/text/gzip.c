/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/text/gzip.h"

#include <zlib.h>

enum { WINDOW_BITS = 15, AS_GZIP = 16, MEMORY_LEVEL = 8 };

error gzip_encode(slice bytes, struct buffer *out)
{
    z_stream zip = {0};
    if (bytes.size > UINT32_MAX / 2)
        return error_make(ERROR_LIMIT, "too large to be compressed at once");
    if (deflateInit2(&zip, Z_DEFAULT_COMPRESSION, Z_DEFLATED, WINDOW_BITS + AS_GZIP, MEMORY_LEVEL,
                     Z_DEFAULT_STRATEGY) != Z_OK)
        return error_make(ERROR_LIMIT, "out of memory to compress");
    size_t room = deflateBound(&zip, bytes.size);
    char *start = buffer_reserve(out, room);
    int result = Z_MEM_ERROR;
    if (start) {
        zip.next_in = (unsigned char *)bytes.data;
        zip.avail_in = (unsigned)bytes.size;
        zip.next_out = (unsigned char *)start;
        zip.avail_out = (unsigned)room;
        result = deflate(&zip, Z_FINISH);
        buffer_commit(out, room - zip.avail_out);
    }
    deflateEnd(&zip);
    return result == Z_STREAM_END ? OK : error_make(ERROR_LIMIT, "no room to compress");
}
