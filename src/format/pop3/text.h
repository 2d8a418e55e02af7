#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A message as RETR and TOP send it (RFC 1939 3, 7): dots at the beginning of lines doubled, bare
 * LF as CRLF, the line of a dot at the end. The bytes are not copied: the walk cuts what it is
 * given into runs that can be sent from where they lie, and tells what to put before each. Input
 * may come in chunks cut anywhere.
 */
#include "base/slice.h"

#include <stdint.h>

struct pop3_text {
    uint64_t lines_left; /* of the body */
    bool in_body;
    bool line_began; /* something of the present line was seen */
    bool line_empty; /* nothing but CR so far */
    bool after_cr;
    bool done; /* no more is wanted: the lines asked for were given */
};

enum { POP3_TEXT_WHOLE = -1 };

/* With the header and `lines` of the body; POP3_TEXT_WHOLE: all of it. */
void pop3_text_init(struct pop3_text *text, int64_t lines);
/* Takes the next run from *chunk. False where the chunk is used up, or enough was given (done).
 * *out_before is to be sent before *out_run; either may be empty. */
bool pop3_text_next(struct pop3_text *text, slice *chunk, slice *out_before, slice *out_run);
/* What ends it. Static. */
slice pop3_text_end(const struct pop3_text *text);
