/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A byte stream cut into commands as the session does it. The frame never holds more than its
 * limit, and what it gives is what came.
 */
#include "base/assert.h"
#include "format/imap/frame.h"

static const struct imap_frame_limits LIMITS = {
    .literal_size_max = 64, .nonsync_size_max = 32, .literals_max = 4, .command_size_max = 256};

/* One command; how many bytes of the input it used, 0 at the end. */
static size_t run(struct imap_frame *frame, slice input)
{
    size_t used = 0;
    bool more = true;
    imap_frame_reset(frame);
    while (more) {
        ptrdiff_t end = slice_find_byte(slice_from(input, used), '\n');
        if (end < 0)
            return 0;
        slice line = slice_sub(input, used, (size_t)end);
        used += (size_t)end + 1;
        if (slice_ends(line, SLICE("\r")))
            line.size--;
        if (failed(imap_frame_add_line(frame, line, &more)))
            return used;
        ASSERT(slice_ends(imap_frame_text(frame), line));
        char *room;
        if (!more || failed(imap_frame_open_literal(frame, &room)))
            break;
        size_t size = frame->literal.size;
        if (input.size - used < size)
            return 0;
        memcpy(room, input.data + used, size);
        imap_frame_close_literal(frame);
        used += size;
    }
    ASSERT(imap_frame_text(frame).size <= LIMITS.command_size_max);
    return used;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    slice input = slice_of(data, size);
    struct imap_frame frame;
    imap_frame_init(&frame, &LIMITS);
    for (size_t used; (used = run(&frame, input)) != 0;)
        input = slice_from(input, used);
    imap_frame_close(&frame);
    return 0;
}
