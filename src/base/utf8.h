#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 * UTF-8 (RFC 3629): shortest forms only, no surrogates, up to U+10FFFF.
 */
#include "base/slice.h"

/* Decodes one code point at s.data[0]: its length in bytes, 0 where it is not valid UTF-8 (or s is
 * empty). */
size_t utf8_decode(slice s, uint32_t *out_point);
/* Encodes into at least 4 bytes; the length, 0 for what is no code point. */
size_t utf8_encode(uint32_t point, char *out);
bool utf8_is_valid(slice s);
/* True where every byte is below 0x80. */
bool utf8_is_ascii(slice s);
