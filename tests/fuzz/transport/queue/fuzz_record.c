/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Any bytes as the queue's journal records. Mails that can be made are written again, and read
 * again the same.
 */
#include "transport/queue/record.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool condition)
{
    if (!condition)
        abort();
}

static void check_again(const struct queue_content *content, slice prefixes, slice body)
{
    struct buffer out;
    struct arena arena;
    struct record_add add;
    struct record_mail record;
    buffer_init(&out, 64 << 20);
    arena_init(&arena, 64 << 20);
    record_add_write(&out, content);
    buffer_add(&out, prefixes);
    buffer_add(&out, body);
    check(!failed(record_add_read(buffer_slice(&out), &add)));
    check(slice_equal(add.body, body) && slice_equal(add.prefixes, prefixes));
    for (const struct queue_mail *mail = content->mails; mail; mail = mail->next_sharing) {
        check(!failed(record_add_next(&add, &arena, &record)));
        check(record.id == mail->id && record.held == mail->held &&
              record.envelope.recipient_count == mail->recipient_count);
        for (uint32_t i = 0; i < mail->recipient_count; i++)
            check(slice_equal(record.envelope.recipients[i].address,
                              queue_mail_text(mail, mail->recipients[i].address)));
    }
    arena_close(&arena);
    buffer_close(&out);
}

static void try_add(slice payload)
{
    struct record_add add;
    struct record_mail record;
    struct arena arena;
    if (failed(record_add_read(payload, &add)))
        return;
    struct queue_content content = {
        .id = add.id, .size = add.body.size, .prefix_size = (uint32_t)add.prefixes.size};
    arena_init(&arena, 64 << 20);
    while (!failed(record_add_next(&add, &arena, &record))) {
        struct queue_mail *mail;
        check(record.prefix_size <= add.prefixes.size);
        if (failed(record_mail_make(&record, &content, &mail)))
            continue;
        check(mail->open_count <= mail->recipient_count);
    }
    if (content.mails)
        check_again(&content, add.prefixes, add.body);
    while (content.mails) {
        struct queue_mail *mail = content.mails;
        queue_mail_free(&mail);
    }
    check(content.references == 0);
    arena_close(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    slice payload = slice_of(data, size);
    struct record_outcomes outcomes;
    struct record_outcome outcome;
    try_add(payload);
    if (!failed(record_outcomes_read(payload, &outcomes)))
        while (record_outcomes_next(&outcomes, &outcome))
            ;
    return 0;
}
