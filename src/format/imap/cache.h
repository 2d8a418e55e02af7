#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What FETCH asks of every message and what takes a parse to answer, as text ready to be sent:
 * ENVELOPE, BODY, BODYSTRUCTURE. Kept by the store beside the index (mailbox_cache, or
 * store_delivery.cache where the message was parsed anyway). A version byte, three sizes of four
 * bytes (little endian), the three texts.
 */
#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"

struct mime_message;

struct imap_cache {
    slice envelope;
    slice body;
    slice structure;
};

/* Appends the blob. The arena is scratch. */
error imap_cache_write(slice message, const struct mime_message *parsed, struct arena *arena,
                       struct buffer *out);
/* The same for a message too complex to parse: no envelope, one part of opaque bytes. */
error imap_cache_write_opaque(uint64_t size, struct buffer *out);
/* False for no blob, another version or a broken one: then make it anew. Views of the blob. */
bool imap_cache_read(slice blob, struct imap_cache *out_cache);
