#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * xtext (RFC 3461 4): printable ASCII with "+HH" for everything else.
 */
#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"

/* ERROR_MALFORMED for bytes that may not stand in xtext, and for codes of control bytes: what is
 * decoded here ends up in headers. */
error smtp_xtext_decode(struct arena *arena, slice text, slice *out_text);
void smtp_xtext_encode(struct buffer *buffer, slice text);
/* The address of ORCPT by its type: "utf-8" has characters beyond ASCII as \x{HEX} (RFC 6533 3). */
void smtp_xtext_encode_address(struct buffer *buffer, slice type, slice address);
