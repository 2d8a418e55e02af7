/* SPDX-License-Identifier: GPL-3.0-or-later
 * Any bytes are a message: every part lies inside its parent, counts agree, decoding never fails
 * for another reason than memory or an unknown encoding.
 */
#include "base/assert.h"
#include "format/mail/mime.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_part(slice message, const struct mime_part *part)
{
    size_t lines = 0, bare = 0;
    slice body = mime_part_body(message, part);
    ASSERT(part->body_offset == part->header_offset + part->header_size);
    ASSERT(part->body_offset + part->body_size <= message.size);
    ASSERT(part->depth < MIME_DEPTH_MAX);
    for (size_t i = 0; i < body.size; i++) {
        bool lf = body.data[i] == '\n';
        size_t at = part->body_offset + i;
        lines += lf;
        bare += lf && (at == 0 || message.data[at - 1] != '\r');
    }
    ASSERT(lines == part->body_line_count);
    ASSERT(bare == part->body_bare_lf_count);
    for (const struct mime_part *child = part->first_child; child; child = child->next) {
        ASSERT(child->parent == part);
        ASSERT(child->header_offset >= part->body_offset);
        ASSERT(child->body_offset + child->body_size <= part->body_offset + part->body_size);
        ASSERT(!child->next || child->next->header_offset >= child->body_offset + child->body_size);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    slice message = slice_of(data, size), text;
    struct arena arena;
    struct mime_message parsed;
    unsigned count = 0;
    arena_init(&arena, 64 << 20);
    if (!failed(mime_parse(&arena, message, &parsed))) {
        for (struct mime_part *part = parsed.root; part; part = mime_part_walk(part)) {
            check_part(message, part);
            error_ignore(mime_part_text(&arena, message, part, &text));
            error_ignore(mime_part_file_name(&arena, part, &text));
            count++;
        }
        ASSERT(count == parsed.part_count && count <= MIME_PART_COUNT_MAX);
    }
    arena_close(&arena);
    return 0;
}
