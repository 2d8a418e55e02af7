/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Any bytes as the queue's log: each payload is read as every kind of record. The sum of what the
 * seed calls a record is made right, so that the walk gets anywhere.
 */
#include "../../data/mend.h"

#include "transport/queue/log_record.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool condition)
{
    if (!condition)
        abort();
}

/* What becomes a mail is one by the slower way, too. */
static void try_mail(slice payload)
{
    struct arena arena;
    struct log_place place;
    struct record_mail slow;
    struct cursor record, again;
    struct queue_mail *mail;
    queue_id id;
    if (failed(log_mail_begin(payload, &place, &id, &record)))
        return;
    struct queue_content content = {.prefix_size = place.prefix_size};
    again = record;
    arena_init(&arena, 64 << 20);
    if (!failed(record_mail_load(record, &content, &mail))) {
        check(mail->id == id && id != 0 && content.references == 1);
        check(mail->prefix.offset + mail->prefix.size <= place.prefix_size);
        check(!failed(record_mail_read(&again, &arena, &slow)) && slow.id == id);
        check(slow.envelope.recipient_count == mail->recipient_count);
        check(slice_equal(slow.envelope.sender, queue_mail_text(mail, mail->sender)));
        queue_mail_free(&mail);
    }
    check(content.references == 0 && !content.mails);
    arena_close(&arena);
}

static void try_payload(slice payload)
{
    struct log_state state;
    uint64_t id, offset;
    uint32_t segment;
    try_mail(payload);
    if (!failed(log_state_read(payload, &state)) && state.has_item) {
        struct queue_item item = {0};
        check(!failed(record_item_read(&state.at_item, &item)));
        free(item.response);
    }
    error_ignore(log_move_read(payload, &id, &segment, &offset));
    error_ignore(log_done_read(payload, &id));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    char *bytes = malloc(size);
    memcpy(bytes, data + 1, size - 1);
    mend_frames(bytes, size - 1);
    slice file = slice_of(bytes, size - 1), payload;
    struct frame_scan scan = {
        .window = file, .salt = MEND_SALT, .kind_last = LOG_KIND_LAST, .last = true};
    unsigned kind;
    while (frame_scan_next(&scan, &kind, &payload) == FRAME_SCAN_RECORD)
        try_payload(payload);
    try_payload(file);
    free(bytes);
    return 0;
}
