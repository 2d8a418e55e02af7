#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Header fields of a message that lies in contiguous memory (RFC 5322 2.2, 4.5; RFC 6532). Nothing
 * is copied: fields are views into the message. Lines may end in CRLF, or in a bare LF as in
 * Maildirs written by other servers. Work is linear; fields past MAIL_HEADER_FIELD_COUNT_MAX and
 * bytes past MAIL_HEADER_SIZE_MAX are not looked at.
 */
#include "base/arena.h"
#include "base/error.h"
#include "base/slice.h"

enum {
    MAIL_HEADER_SIZE_MAX = 1024 * 1024, /* bytes of one header that are looked at */
    MAIL_HEADER_FIELD_COUNT_MAX = 4096, /* fields of one header that are looked at */
};

struct mail_header_field {
    slice name; /* as written, without blanks before the colon; empty for a line that is no field */
    slice value;   /* after the colon as written: may be folded; without the last line end */
    size_t offset; /* of the field's first byte, counted from where iteration began */
    size_t size;   /* bytes with the last line end */
};

struct mail_header_iterator {
    slice text;
    size_t at; /* after iteration: where the header ends, the empty line not included */
    unsigned field_count;
};

/* Starts at the first byte of `text`: a whole message, or only a header. */
void mail_header_begin(struct mail_header_iterator *iterator, slice text);
/* False at the empty line, at the end of the text, and at either limit. */
bool mail_header_next(struct mail_header_iterator *iterator, struct mail_header_field *out_field);

/* Bytes of the header of `message` with the empty line that closes it (all of it where there is
 * none). No limit applies: this is where the body begins. */
size_t mail_header_size(slice message);

/* The value of the first (last) field of that name; false and untouched where there is none. */
bool mail_header_find(slice text, slice name, slice *out_value);
bool mail_header_find_last(slice text, slice name, slice *out_value);

/* Without line ends (RFC 5322 2.2.3) and without blanks at both ends. Returns a view of `value`
 * where nothing needs to change, else a copy in the arena. */
error mail_header_unfold(struct arena *arena, slice value, slice *out_text);

/* The length of the line end at text[at]: 2 for CRLF, 1 for LF, 0 for none. */
static inline size_t mail_line_end_size(slice text, size_t at)
{
    if (at < text.size && text.data[at] == '\n')
        return 1;
    return at + 1 < text.size && text.data[at] == '\r' && text.data[at + 1] == '\n' ? 2 : 0;
}
