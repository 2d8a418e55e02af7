#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Modified UTF-7 of IMAP mailbox names (RFC 3501 5.1.3) to and from UTF-8. Decoding accepts only
 * the one canonical encoding of a name, so that no two spellings name one mailbox; bytes above 0x7f
 * that are valid UTF-8 pass as they are, because many clients send them.
 */
#include "base/buffer.h"
#include "base/error.h"
#include "base/slice.h"

/* Appends the UTF-8 of `encoded`; ERROR_MALFORMED where it is not canonical modified UTF-7 or has
 * bytes that are not UTF-8, and then `out` is as before. */
error utf7_decode(slice encoded, struct buffer *out);
/* Appends the modified UTF-7 of `text`; ERROR_MALFORMED (out as before) where it is not UTF-8. */
error utf7_encode(slice text, struct buffer *out);
