/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Any bytes as a message to be converted: what comes out has the same parts, fits the target
 * outside of header fields, and needs no second conversion.
 */
#include "base/assert.h"
#include "base/utf8.h"
#include "format/mail/downgrade.h"
#include "format/mail/mime.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned count_bodies(struct arena *arena, slice message, enum mail_target target)
{
    struct mime_message tree;
    unsigned count = 0;
    if (failed(mime_parse(arena, message, &tree)))
        return 0;
    for (const struct mime_part *part = tree.root; part; part = mime_part_walk(part)) {
        if (part->kind != MIME_KIND_LEAF)
            continue;
        slice body = mime_part_body(message, part);
        ASSERT(target != MAIL_TO_7BIT || utf8_is_ascii(body));
        ASSERT(slice_find_byte(body, '\0') < 0);
        count++;
    }
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct buffer out;
    if (size == 0)
        return 0;
    enum mail_target target = data[0] & 1 ? MAIL_TO_8BIT : MAIL_TO_7BIT;
    slice message = slice_of(data + 1, size - 1);
    arena_init(&arena, 16 << 20);
    buffer_init(&out, 64 << 20);
    if (!failed(mail_downgrade(message, target, &arena, &out))) {
        count_bodies(&arena, buffer_slice(&out), target);
        if (!mail_needs_downgrade(message, target) &&
            slice_find_nocase(message, SLICE("Content-Transfer")) < 0)
            ASSERT(slice_equal(message, buffer_slice(&out)));
    }
    buffer_close(&out);
    arena_close(&arena);
    return 0;
}
