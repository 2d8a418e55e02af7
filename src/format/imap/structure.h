#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * BODY and BODYSTRUCTURE (RFC 3501 7.4.2) of a parsed message. Sizes and lines are counted as the
 * client will see the message: with CRLF, also where the file has bare LF.
 */
#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"

struct mime_part;

/* `extended`: BODYSTRUCTURE, with extension data. The arena is scratch. Parts nested deeper than
 * IMAP_STRUCTURE_DEPTH_MAX are written as application/octet-stream. */
error imap_structure_write(slice message, const struct mime_part *root, bool extended,
                           struct arena *arena, struct buffer *out);
