#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Encoded words of header fields (RFC 2047, language suffix of RFC 2231 5).
 */
#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/slice.h"

/* Header text as UTF-8: unfolded, encoded words decoded (blanks between two of them dropped, one
 * character split over two of the same charset joined), raw 8-bit bytes kept where they are UTF-8,
 * else read as Windows-1252. What cannot be decoded stays as it is. A view of the input where
 * nothing changes. ERROR_LIMIT only where the arena is full. */
error mail_encoded_decode(struct arena *arena, slice value, slice *out_text);

/* Text as it may stand in an unstructured field: ASCII as it is, else encoded words of UTF-8 in
 * base64, each at most 75 bytes, folded. */
void mail_encoded_write(struct buffer *buffer, slice text);
