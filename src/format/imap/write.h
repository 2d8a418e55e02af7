#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Strings of answers: quoted where that can hold the bytes, else a literal (RFC 3501 4.3). `utf8`:
 * the client takes UTF-8 in quoted strings (RFC 6855, RFC 9051). NUL can be in neither and is left
 * out.
 */
#include "base/buffer.h"
#include "base/slice.h"

void imap_write_string(slice s, bool utf8, struct buffer *out);
/* NIL where s.data is NULL. */
void imap_write_nstring(slice s, bool utf8, struct buffer *out);
/* Bare where it is an atom that cannot be mistaken for NIL. */
void imap_write_astring(slice s, bool utf8, struct buffer *out);
/* "{n}" CRLF, to be followed by n bytes. */
void imap_write_literal_head(uint64_t size, struct buffer *out);
