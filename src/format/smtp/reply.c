/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/smtp/reply.h"

#include "base/assert.h"

static const struct smtp_reply_row rows[SMTP_REPLIES] = {
#define X(name, code, enhanced, text) [SMTP_REPLY_##name] = {code, enhanced, text},
    SMTP_REPLY_TABLE(X)
#undef X
};

const struct smtp_reply_row *smtp_reply_row(enum smtp_reply reply)
{
    ASSERT(reply > SMTP_REPLY_NONE && reply < SMTP_REPLIES);
    return &rows[reply];
}

/* RFC 5321 4.2: textstring is HT and printable; UTF-8 only where the client asked for it, and then
 * it comes from our own texts. */
static void add_text(struct buffer *buffer, slice text)
{
    size_t start = buffer->size;
    buffer_add(buffer, text);
    for (size_t i = start; i < buffer->size; i++) {
        unsigned char byte = (unsigned char)buffer->data[i];
        if ((byte < ' ' && byte != '\t') || byte == 0x7f)
            buffer->data[i] = '?';
    }
}

static void add_line(struct buffer *buffer, int code, const char *enhanced, slice text, bool last)
{
    size_t before = buffer->size;
    buffer_add_u64(buffer, (uint64_t)code);
    buffer_add_byte(buffer, last ? ' ' : '-');
    if (enhanced) {
        buffer_add_string(buffer, enhanced);
        buffer_add_byte(buffer, ' ');
    }
    size_t room = SMTP_REPLY_LINE_SIZE_MAX - 2 - (buffer->size - before);
    add_text(buffer, slice_sub(text, 0, room));
    buffer_add_string(buffer, "\r\n");
}

void smtp_reply_write(struct buffer *buffer, enum smtp_reply reply)
{
    if (reply != SMTP_REPLY_NONE)
        smtp_reply_text(buffer, reply, slice_from_string(smtp_reply_row(reply)->text));
}

void smtp_reply_text(struct buffer *buffer, enum smtp_reply reply, slice text)
{
    const struct smtp_reply_row *row = smtp_reply_row(reply);
    add_line(buffer, row->code, row->enhanced, text, true);
}

void smtp_reply_lines(struct buffer *buffer, int code, const char *enhanced, slice lines)
{
    slice line;
    for (bool more = true; more;) {
        more = slice_cut(lines, '\n', &line, &lines);
        add_line(buffer, code, enhanced, line, !more);
    }
}
