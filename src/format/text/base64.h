#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Base64 (RFC 4648 4): strict for protocols (SASL), loose for mail bodies (RFC 2045 6.8).
 */
#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/slice.h"

/* Bytes of the encoding of `size` bytes, padding included. */
static inline size_t base64_encoded_size(size_t size)
{
    return (size + 2) / 3 * 4;
}

/* No line ends. */
void base64_encode(struct buffer *buffer, slice bytes);
/* Writes base64_encoded_size(bytes.size) bytes. */
void base64_encode_into(char *out, slice bytes);

/* Exactly the alphabet, with padding: ERROR_MALFORMED otherwise. */
error base64_decode(struct arena *arena, slice text, slice *out_bytes);
/* Skips what is not of the alphabet; goes on behind padding in the middle; a cut-off last group
 * gives what whole bytes it has. */
error base64_decode_loose(struct arena *arena, slice text, slice *out_bytes);
