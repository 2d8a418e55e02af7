/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A message in chunks, with all its lines or some: what comes out is the same however it was cut,
 * only CRLF ends lines, no line is a lone dot but the last, and without the dots that were added it
 * is the message again.
 */
#include "base/assert.h"
#include "base/buffer.h"
#include "format/pop3/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void render(slice message, int64_t lines, size_t step, struct buffer *out)
{
    struct pop3_text text;
    pop3_text_init(&text, lines);
    for (size_t at = 0; at < message.size && !text.done; at += step) {
        slice chunk = slice_sub(message, at, step), before, run;
        while (pop3_text_next(&text, &chunk, &before, &run)) {
            ASSERT(before.size + run.size > 0);
            buffer_add(out, before);
            buffer_add(out, run);
        }
        ASSERT(chunk.size == 0 || text.done);
    }
    buffer_add(out, pop3_text_end(&text));
}

/* One line of the message without its end; false at its end. */
static bool take_line(slice *rest, slice *out_line)
{
    slice behind;
    if (rest->size == 0)
        return false;
    slice_cut(*rest, '\n', out_line, &behind);
    *rest = behind;
    if (slice_ends(*out_line, SLICE("\r")))
        out_line->size--;
    return true;
}

static void check(slice message, slice said, bool whole)
{
    slice line, wanted;
    for (;;) {
        ptrdiff_t end = slice_find(said, SLICE("\r\n"));
        ASSERT(end >= 0);
        line = slice_sub(said, 0, (size_t)end);
        ASSERT(slice_find_byte(line, '\n') < 0);
        said = slice_from(said, (size_t)end + 2);
        if (slice_equal(line, SLICE(".")))
            break;
        ASSERT(take_line(&message, &wanted));
        ASSERT(slice_equal(slice_from(line, slice_starts(line, SLICE("."))), wanted));
    }
    ASSERT(said.size == 0 && (!whole || message.size == 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buffer whole, cut;
    if (size < 2)
        return 0;
    int64_t lines = data[0] == 0xff ? POP3_TEXT_WHOLE : data[0];
    size_t step = data[1] % 16 + 1u;
    slice message = slice_of(data + 2, size - 2);
    buffer_init(&whole, 3 * size + 8);
    buffer_init(&cut, 3 * size + 8);
    render(message, lines, message.size + 1, &whole);
    render(message, lines, step, &cut);
    ASSERT(!failed(buffer_check(&whole)));
    ASSERT(slice_equal(buffer_slice(&whole), buffer_slice(&cut)));
    check(message, buffer_slice(&whole), lines < 0);
    buffer_close(&whole);
    buffer_close(&cut);
    return 0;
}
