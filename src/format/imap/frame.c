/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/imap/frame.h"

#include "base/cursor.h"

void imap_frame_init(struct imap_frame *frame, const struct imap_frame_limits *limits)
{
    *frame = (struct imap_frame){.limits = *limits};
    buffer_init(&frame->text, limits->command_size_max);
}

void imap_frame_close(struct imap_frame *frame)
{
    buffer_close(&frame->text);
    imap_frame_reset(frame);
}

void imap_frame_set_limits(struct imap_frame *frame, const struct imap_frame_limits *limits)
{
    frame->limits = *limits;
    frame->text.size_max = limits->command_size_max;
}

void imap_frame_reset(struct imap_frame *frame)
{
    buffer_reset(&frame->text);
    frame->literals = 0;
    frame->literal = (struct imap_literal){0};
}

bool imap_literal_announced(slice line, struct imap_literal *out_literal)
{
    ptrdiff_t open = slice_find_last_byte(line, '{');
    if (open < 0)
        return false;
    struct cursor c = cursor_over(slice_from(line, (size_t)open + 1));
    uint64_t size;
    if (!ascii_is_digit((char)cursor_peek(&c)))
        return false;
    if (!cursor_take_u64(&c, UINT64_MAX, &size)) {
        size = UINT64_MAX; /* too many digits: above every limit */
        while (ascii_is_digit((char)cursor_peek(&c)))
            c.at++;
    }
    bool sync = !cursor_take_byte(&c, '+');
    if (!cursor_take_byte(&c, '}') || !cursor_done(&c))
        return false;
    *out_literal = (struct imap_literal){
        .size = size, .sync = sync, .binary = open > 0 && line.data[open - 1] == '~'};
    return true;
}

error imap_frame_add_line(struct imap_frame *frame, slice line, bool *out_literal)
{
    for (size_t i = 0; i < line.size; i++)
        if (line.data[i] == '\0' || line.data[i] == '\r')
            return error_make(ERROR_MALFORMED, "NUL or bare CR in the command");
    buffer_add(&frame->text, line);
    if (frame->text.overflow)
        return error_make(ERROR_LIMIT, "the command is too long");
    *out_literal = imap_literal_announced(line, &frame->literal);
    return OK;
}

error imap_frame_open_literal(struct imap_frame *frame, char **out_room)
{
    const struct imap_literal *literal = &frame->literal;
    if (frame->literals >= frame->limits.literals_max)
        return error_make(ERROR_LIMIT, "too many literals in one command");
    if (literal->size > frame->limits.literal_size_max ||
        (!literal->sync && literal->size > frame->limits.nonsync_size_max))
        return error_make(ERROR_LIMIT, "the literal is too large");
    buffer_add(&frame->text, SLICE("\r\n"));
    char *room = buffer_reserve(&frame->text, literal->size);
    if (!room)
        return error_make(ERROR_LIMIT, "the command is too long");
    *out_room = room;
    return OK;
}

void imap_frame_close_literal(struct imap_frame *frame)
{
    buffer_commit(&frame->text, frame->literal.size);
    frame->literals++;
    frame->literal = (struct imap_literal){0};
}
