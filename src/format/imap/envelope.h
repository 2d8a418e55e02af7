#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * ENVELOPE (RFC 3501 7.4.2) of a header: ten fields, the first of each name, unfolded, encoded
 * words left as they are.
 */
#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"

/* "(date subject (from) ...)". The arena is scratch, for unfolding and address lists. ERROR_LIMIT
 * where it or the buffer is full. */
error imap_envelope_write(slice header, struct arena *arena, struct buffer *out);
