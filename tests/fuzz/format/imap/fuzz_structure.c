/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Any bytes are a message, and any message has an ENVELOPE and a BODYSTRUCTURE that read as one
 * parenthesised list.
 */
#include "base/assert.h"
#include "base/cursor.h"
#include "format/imap/envelope.h"
#include "format/imap/structure.h"
#include "format/imap/token.h"
#include "format/mail/mime.h"

static struct arena arena;

/* A list, a string, NIL or a number. */
static void skip(struct cursor *c, unsigned depth)
{
    slice s;
    uint64_t number;
    ASSERT(depth < 200);
    if (cursor_take_byte(c, '(')) {
        while (!cursor_take_byte(c, ')')) {
            skip(c, depth + 1);
            if (cursor_peek(c) != ')' && cursor_peek(c) != '(')
                ASSERT(cursor_take_byte(c, ' '));
        }
        return;
    }
    if (!cursor_take_u64(c, UINT64_MAX, &number))
        ASSERT(!failed(imap_take_nstring(c, &arena, &s)));
}

static void check(const struct buffer *text)
{
    struct cursor c = cursor_over(buffer_slice(text));
    skip(&c, 0);
    ASSERT(cursor_done(&c));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    slice message = slice_of(data, size);
    struct mime_message parsed;
    struct buffer text;
    arena_init(&arena, 64 << 20);
    buffer_init(&text, 16 << 20);
    if (!failed(mime_parse(&arena, message, &parsed))) {
        for (int extended = 0; extended < 2; extended++) {
            buffer_reset(&text);
            if (!failed(imap_structure_write(message, parsed.root, extended, &arena, &text)))
                check(&text);
        }
        buffer_reset(&text);
        if (!failed(imap_envelope_write(mime_part_header(message, parsed.root), &arena, &text)))
            check(&text);
    }
    buffer_close(&text);
    arena_close(&arena);
    return 0;
}
