/* SPDX-License-Identifier: GPL-3.0-or-later
 * The same bytes in one piece and in pieces must give the same message, and the end must be exactly
 * CR LF . CR LF. The first byte is the size of the pieces.
 */
#include "base/assert.h"
#include "format/smtp/dot.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct outcome {
    char *body;
    size_t size, consumed;
    struct dot_reader reader;
};

static struct outcome read_all(slice text, size_t piece_max)
{
    struct outcome o = {.body = malloc(text.size + 1)};
    dot_reader_init(&o.reader);
    while (o.consumed < text.size && !o.reader.finished) {
        size_t piece = text.size - o.consumed, consumed, kept;
        if (piece > piece_max)
            piece = piece_max;
        memcpy(o.body + o.size, text.data + o.consumed, piece);
        dot_reader_feed(&o.reader, o.body + o.size, piece, &consumed, &kept);
        ASSERT(consumed == piece || o.reader.finished);
        o.consumed += consumed;
        o.size += kept;
    }
    return o;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    slice text = slice_of(data + 1, size - 1);
    struct outcome a = read_all(text, SIZE_MAX), b = read_all(text, (size_t)data[0] + 1);
    ASSERT(a.consumed == b.consumed && a.reader.finished == b.reader.finished);
    ASSERT(a.reader.malformed == b.reader.malformed);
    if (!a.reader.malformed)
        ASSERT(slice_equal(slice_of(a.body, a.size), slice_of(b.body, b.size)));
    ptrdiff_t end = slice_starts(text, SLICE(".\r\n")) ? 3 : slice_find(text, SLICE("\r\n.\r\n"));
    if (end >= 0 && !slice_starts(text, SLICE(".\r\n")))
        end += 5;
    ASSERT(a.reader.finished == (end >= 0));
    if (end >= 0)
        ASSERT(a.consumed == (size_t)end);
    free(a.body);
    free(b.body);
    return 0;
}
