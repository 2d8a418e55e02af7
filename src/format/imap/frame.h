#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Gathers one command: lines, and the literals between them (RFC 3501 4.3, LITERAL+ and LITERAL- of
 * RFC 7888, literal8 of RFC 3516). The session reads and answers; the frame only says what comes
 * next, before it is read:
 *
 *     imap_frame_reset(&frame);
 *     read a line; imap_frame_add_line(&frame, line, &more);
 *     while (more) {
 *         // frame.literal: its size, and whether the client waits for "+"
 *         imap_frame_open_literal(&frame, &room); say "+" if frame.literal.sync; read into room;
 *         imap_frame_close_literal(&frame);
 *         read a line; imap_frame_add_line(&frame, line, &more);
 *     }
 *     parse imap_frame_text(&frame)
 *
 * The message of APPEND does not pass through here: where format/imap/append.h finds that the
 * announced literal is one, the session receives it into a body instead. Owned by one session.
 */
#include "base/buffer.h"
#include "base/error.h"

struct imap_frame_limits {
    size_t literal_size_max; /* bytes of one literal */
    size_t nonsync_size_max; /* bytes of one that comes without asking: RFC 7888 5, LITERAL- */
    unsigned literals_max;   /* in one command */
    size_t command_size_max; /* lines and literals together */
};

struct imap_literal {
    uint64_t size;
    bool sync;   /* the client waits for a continuation request */
    bool binary; /* ~{n} */
};

struct imap_frame {
    struct buffer text;
    struct imap_frame_limits limits;
    struct imap_literal literal; /* the one announced at the end of the text */
    unsigned literals;           /* read so far */
};

void imap_frame_init(struct imap_frame *frame, const struct imap_frame_limits *limits);
void imap_frame_close(struct imap_frame *frame);
/* Other limits from the next command on (after login). */
void imap_frame_set_limits(struct imap_frame *frame, const struct imap_frame_limits *limits);
void imap_frame_reset(struct imap_frame *frame);

/* A line without its CRLF. *out_literal: whether it announces a literal. ERROR_LIMIT past
 * command_size_max, ERROR_MALFORMED for a NUL or a bare CR. */
error imap_frame_add_line(struct imap_frame *frame, slice line, bool *out_literal);
/* Room for the announced literal, frame.literal.size bytes. ERROR_LIMIT where it is larger than
 * allowed, or one too many; the frame is then of no more use. */
error imap_frame_open_literal(struct imap_frame *frame, char **out_room);
void imap_frame_close_literal(struct imap_frame *frame);

static inline slice imap_frame_text(const struct imap_frame *frame)
{
    return buffer_slice(&frame->text);
}

/* Whether a line ends in a literal's announcement, and which. */
bool imap_literal_announced(slice line, struct imap_literal *out_literal);
