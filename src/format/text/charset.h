#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Text of any charset to UTF-8. UTF-8, US-ASCII, ISO-8859-1 and Windows-1252 are done here; all
 * others by iconv, whose descriptors are kept per thread. Loading a converter for the first time
 * may read its module from disk.
 */
#include "base/arena.h"
#include "base/error.h"
#include "base/slice.h"

enum {
    CHARSET_NAME_SIZE_MAX = 64,
    CHARSET_OPEN_MAX = 8, /* iconv descriptors kept per thread */
};

/* True where charset_to_utf8 knows it (IMAP's BADCHARSET asks). */
bool charset_is_known(slice charset);
/* Bytes that are no text of the charset become U+FFFD. NUL bytes are kept. A view of the input
 * where nothing changes. ERROR_NOT_FOUND: unknown charset; ERROR_LIMIT: the arena is full. */
error charset_to_utf8(struct arena *arena, slice charset, slice bytes, slice *out_text);
/* For bytes of no known charset: as they are where they are UTF-8, else as Windows-1252. */
error charset_guess_to_utf8(struct arena *arena, slice bytes, slice *out_text);
/* Closes the calling thread's converters: before a thread ends. */
void charset_close_thread(void);
