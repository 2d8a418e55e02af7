#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The end of DATA and the dots in it (RFC 5321 4.5.2), over chunks as they arrive, in place.
 *
 * Only CR LF "." CR LF ends the data: every looser reading lets mail be smuggled into a session. A
 * CR that no LF follows and a LF that no CR precedes make the message malformed; the reader then
 * goes on to the one true end, keeping nothing, so that the session can answer in its turn.
 *
 * Vectors of 64 bytes are checked at once for "every LF follows a CR, every CR has its LF, no dot
 * begins a line"; only where that fails are bytes looked at one by one.
 */
#include "base/slice.h"

enum dot_state {
    DOT_LINE_START, /* also before the first byte */
    DOT_MIDDLE,
    DOT_CR,     /* a CR is the last byte kept */
    DOT_DOT,    /* a dot began the line and was dropped */
    DOT_DOT_CR, /* and a CR followed, which is not kept yet */
};

struct dot_reader {
    enum dot_state state;
    bool malformed; /* a bare CR or LF was seen */
    bool discard; /* keep nothing more: set by the reader at malformed, by the owner at its limit */
    bool finished; /* the end was seen: feed no more */
};

void dot_reader_init(struct dot_reader *reader);

/* Reads data[0..size). What belongs to the message is moved together at data[0..*out_kept);
 * *out_consumed is less than size only when the end was found: what follows are commands. */
void dot_reader_feed(struct dot_reader *reader, char *data, size_t size, size_t *out_consumed,
                     size_t *out_kept);

/* The other way, for clients: where the next dot must be inserted at or behind `at`; the message's
 * size where there is no more. After inserting before data[i], go on at i + 1. */
size_t dot_next_stuffing(slice message, size_t at);

/* Is every CR followed by LF, and every LF preceded by CR? */
bool dot_lines_are_whole(slice message);
