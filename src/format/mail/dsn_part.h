#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The parts of a delivery report, for dsn.c.
 */
#include "format/mail/dsn.h"

/* Bytes from outside as part of one line: control bytes become blanks, what is no UTF-8 (or, unless
 * `utf8`, no ASCII) becomes '?', what is longer than size_max is cut. */
void dsn_add_clean(struct buffer *out, slice value, bool utf8, size_t size_max);

/* The words for people, not yet encoded. `subject` and `date` are the original's, may be empty. */
void dsn_words_write(const struct dsn *dsn, enum dsn_language language, slice subject, slice date,
                     bool full, struct buffer *out);

/* The fields for programs (RFC 3464 2; RFC 6533 3 where `utf8`). */
void dsn_fields_write(const struct dsn *dsn, bool utf8, struct buffer *out);
