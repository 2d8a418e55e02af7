#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Lines of a zone file (RFC 1035 5), as an operator pastes them into one.
 */
#include "base/buffer.h"

enum { ZONE_STRING_SIZE_MAX = 255 }; /* bytes of one <character-string> (RFC 1035 3.3) */

/* The final dot is added to `name`. `data`: as it stands behind the type, its names with their
 * dots. */
void zone_record(struct buffer *out, slice name, uint32_t ttl, const char *type, slice data);
/* `text` quoted, in strings of ZONE_STRING_SIZE_MAX where it is longer (RFC 7208 3.3). */
void zone_text(struct buffer *out, slice text);
