#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Quoted-printable (RFC 2045 6.7) and the Q encoding of header words (RFC 2047 4.2), decoding.
 */
#include "base/arena.h"
#include "base/error.h"
#include "base/slice.h"

/* Line ends stay as they are; blanks before them and soft line breaks go; a '=' that begins no code
 * stays. ERROR_LIMIT only where the arena is full. */
error quoted_printable_decode(struct arena *arena, slice text, slice *out_bytes);
/* '_' is a space. */
error quoted_printable_decode_word(struct arena *arena, slice text, slice *out_bytes);
