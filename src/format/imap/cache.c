/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/imap/cache.h"

#include "format/imap/envelope.h"
#include "format/imap/structure.h"
#include "format/mail/mime.h"

enum { VERSION = 1, TEXTS = 3, HEAD_SIZE = 1 + TEXTS * 4 };

static void put_size(char *at, size_t size)
{
    for (int i = 0; i < 4; i++)
        at[i] = (char)(size >> 8 * i);
}

static size_t get_size(const char *at)
{
    size_t size = 0;
    for (int i = 0; i < 4; i++)
        size |= (size_t)(unsigned char)at[i] << 8 * i;
    return size;
}

static void put_head(struct buffer *out)
{
    static const char HEAD[HEAD_SIZE] = {VERSION};
    buffer_add(out, slice_of(HEAD, sizeof HEAD));
}

/* The sizes, now that the texts stand behind the head at `start`. */
static void put_sizes(struct buffer *out, size_t start, const size_t ends[TEXTS])
{
    size_t from = start + HEAD_SIZE;
    for (int i = 0; i < TEXTS; i++) {
        put_size(out->data + start + 1 + 4 * i, ends[i] - from);
        from = ends[i];
    }
}

error imap_cache_write(slice message, const struct mime_message *parsed, struct arena *arena,
                       struct buffer *out)
{
    const struct mime_part *root = parsed->root;
    size_t start = out->size, ends[TEXTS];
    put_head(out);
    TRY(imap_envelope_write(mime_part_header(message, root), arena, out));
    ends[0] = out->size;
    TRY(imap_structure_write(message, root, false, arena, out));
    ends[1] = out->size;
    TRY(imap_structure_write(message, root, true, arena, out));
    ends[2] = out->size;
    put_sizes(out, start, ends);
    return OK;
}

error imap_cache_write_opaque(uint64_t size, struct buffer *out)
{
    size_t start = out->size, ends[TEXTS];
    put_head(out);
    buffer_add(out, SLICE("(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)"));
    ends[0] = out->size;
    for (int i = 1; i < TEXTS; i++) {
        buffer_add(out, SLICE("(\"application\" \"octet-stream\" NIL NIL NIL \"binary\" "));
        buffer_add_u64(out, size);
        buffer_add(out, i == 1 ? SLICE(")") : SLICE(" NIL NIL NIL NIL)"));
        ends[i] = out->size;
    }
    TRY(buffer_check(out));
    put_sizes(out, start, ends);
    return OK;
}

bool imap_cache_read(slice blob, struct imap_cache *out_cache)
{
    if (blob.size < HEAD_SIZE || blob.data[0] != VERSION)
        return false;
    slice texts[TEXTS], rest = slice_from(blob, HEAD_SIZE);
    for (int i = 0; i < TEXTS; i++) {
        size_t size = get_size(blob.data + 1 + 4 * i);
        if (size == 0 || size > rest.size)
            return false;
        texts[i] = slice_sub(rest, 0, size);
        rest = slice_from(rest, size);
    }
    *out_cache = (struct imap_cache){texts[0], texts[1], texts[2]};
    return rest.size == 0;
}
