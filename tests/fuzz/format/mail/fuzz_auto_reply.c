/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A header and a script's words (cut at the first 0xff) become an answer, or none: whatever they
 * hold, its header has the fields that we write and none of theirs.
 */
#include "base/assert.h"
#include "format/mail/auto_reply.h"
#include "format/mail/header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned fields_of(slice text)
{
    struct mail_header_iterator iterator;
    struct mail_header_field field;
    unsigned count = 0;
    mail_header_begin(&iterator, text);
    while (mail_header_next(&iterator, &field)) {
        ASSERT(field.name.size > 0);
        count++;
    }
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    slice header, words, id;
    struct arena arena;
    struct buffer out;
    bool addressed;
    slice_cut(slice_of(data, size), (char)0xff, &header, &words);
    arena_init(&arena, 16 << 20);
    buffer_init(&out, 4 << 20);
    const slice mine = SLICE("a@b");
    (void)mail_auto_reply_refusal(words, header);
    error_ignore(mail_auto_reply_is_addressed(header, &mine, 1, &arena, &addressed)); /* full */
    const struct mail_auto_reply reply = {.header = header,
                                          .from = words,
                                          .to = words,
                                          .subject = words,
                                          .text = words,
                                          .message_id = SLICE("<x@y>")};
    if (!failed(mail_auto_reply_write(&reply, &arena, &out))) {
        unsigned count = fields_of(buffer_slice(&out));
        bool answered = mail_header_find(buffer_slice(&out), SLICE("In-Reply-To"), &id);
        ASSERT(count == (answered ? 12 : 10));
    }
    buffer_close(&out);
    arena_close(&arena);
    return 0;
}
