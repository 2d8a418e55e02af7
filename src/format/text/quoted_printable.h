#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Quoted-printable (RFC 2045 6.7), both ways, and decoding of the Q encoding of header words (RFC
 * 2047 4.2).
 */
#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/slice.h"

/* Line ends stay as they are; blanks before them and soft line breaks go; a '=' that begins no code
 * stays. ERROR_LIMIT only where the arena is full. */
error quoted_printable_decode(struct arena *arena, slice text, slice *out_bytes);
/* '_' is a space. */
error quoted_printable_decode_word(struct arena *arena, slice text, slice *out_bytes);

enum { QUOTED_PRINTABLE_LINE_SIZE_MAX = 76 }; /* without its end; RFC 2045 6.7 (5) */

/* Text whose lines end in CRLF, which stays; a CR or LF that is no line end is encoded like any
 * other byte that is not printable ASCII. Decoding gives exactly `text`. At most three bytes for
 * one, and soft line breaks. */
void quoted_printable_encode(struct buffer *buffer, slice text);
