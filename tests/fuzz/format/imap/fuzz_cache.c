/* SPDX-License-Identifier: GPL-3.0-or-later
 * A blob from disk: whatever its bytes, what is read lies inside it. A message's own blob is read
 * back as it was written.
 */
#include "base/assert.h"
#include "format/imap/cache.h"
#include "format/mail/mime.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_inside(slice blob, slice part)
{
    ASSERT(part.size == 0 ||
           (part.data >= blob.data && part.data + part.size <= blob.data + blob.size));
}

static void check_blob(slice blob)
{
    struct imap_cache cache;
    if (!imap_cache_read(blob, &cache))
        return;
    check_inside(blob, cache.envelope);
    check_inside(blob, cache.body);
    check_inside(blob, cache.structure);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    slice text = slice_of(data, size);
    struct arena arena;
    struct buffer blob;
    struct mime_message parsed;
    struct imap_cache cache;
    check_blob(text);
    arena_init(&arena, 64 << 20);
    buffer_init(&blob, 16 << 20);
    if (!failed(mime_parse(&arena, text, &parsed)) &&
        !failed(imap_cache_write(text, &parsed, &arena, &blob)))
        ASSERT(imap_cache_read(buffer_slice(&blob), &cache) && cache.structure.size > 0);
    check_blob(buffer_slice(&blob));
    buffer_close(&blob);
    arena_close(&arena);
    return 0;
}
