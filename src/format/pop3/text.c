/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/pop3/text.h"

void pop3_text_init(struct pop3_text *text, int64_t lines)
{
    *text = (struct pop3_text){
        .lines_left = lines < 0 ? UINT64_MAX : (uint64_t)lines,
        .line_empty = true,
    };
}

/* A line came to its end. The empty one behind the header belongs to it (RFC 1939 7). */
static void end_line(struct pop3_text *text)
{
    if (!text->in_body)
        text->in_body = text->line_empty;
    else if (text->lines_left != UINT64_MAX)
        text->lines_left--;
    text->done = text->in_body && text->lines_left == 0;
    text->line_began = false;
    text->line_empty = true;
    text->after_cr = false;
}

/* Notes bytes within a line. */
static void pass(struct pop3_text *text, slice bytes)
{
    if (bytes.size == 0)
        return;
    text->line_empty =
        text->line_empty && bytes.size == 1 && !text->line_began && bytes.data[0] == '\r';
    text->line_began = true;
    text->after_cr = bytes.data[bytes.size - 1] == '\r';
}

/* Where the run must end before the end of the chunk: in front of a dot that begins a line, or of
 * an LF without its CR. */
bool pop3_text_next(struct pop3_text *text, slice *chunk, slice *out_before, slice *out_run)
{
    slice rest = *chunk;
    size_t at = 0;
    if (text->done || rest.size == 0)
        return false;
    *out_before = SLICE_EMPTY;
    if (!text->line_began && rest.data[0] == '.') {
        *out_before = SLICE(".");
        pass(text, slice_sub(rest, 0, 1));
        at = 1;
    } else if (rest.data[0] == '\n' && !text->after_cr) {
        *out_before = SLICE("\r");
        end_line(text);
        at = 1;
    }
    while (at < rest.size && !text->done) {
        if (!text->line_began && rest.data[at] == '.')
            break;
        ptrdiff_t end = slice_find_byte(slice_from(rest, at), '\n');
        size_t size = end < 0 ? rest.size - at : (size_t)end;
        pass(text, slice_sub(rest, at, size));
        at += size;
        if (end < 0)
            break;
        if (!text->after_cr)
            break;
        end_line(text);
        at++;
    }
    *out_run = slice_sub(rest, 0, at);
    *chunk = slice_from(rest, at);
    return true;
}

slice pop3_text_end(const struct pop3_text *text)
{
    if (!text->line_began)
        return SLICE(".\r\n");
    return text->after_cr ? SLICE("\n.\r\n") : SLICE("\r\n.\r\n");
}
