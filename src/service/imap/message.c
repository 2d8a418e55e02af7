/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/imap/message.h"

#include "format/mail/header.h"

enum { HEADER_READ_SIZE = 8 << 10, HEADER_READ_GROWTH = 8, BODY_SIZE_MAX = 1 << 30 };

void imap_message_init(struct imap_message *message, struct mailbox *mailbox, uint32_t uid,
                       struct arena *scratch)
{
    *message = (struct imap_message){.mailbox = mailbox, .uid = uid, .scratch = scratch};
    body_init(&message->raw, BODY_SIZE_MAX);
    body_init(&message->fixed, BODY_SIZE_MAX);
}

void imap_message_close(struct imap_message *message)
{
    if (message->opened)
        mail_close(&message->file);
    body_close(&message->raw);
    body_close(&message->fixed);
    arena_reset(message->scratch);
    message->opened = false;
}

error imap_message_open(struct imap_message *message)
{
    if (message->opened)
        return OK;
    TRY(mailbox_virtual_size(message->mailbox, message->uid, &message->size));
    TRY(mail_open(message->mailbox, message->uid, &message->file));
    message->opened = true;
    message->as_sent = message->size == message->file.size;
    return OK;
}

/* Bare LF as CRLF. `room` holds twice the size. */
static size_t add_cr(slice from, char *room)
{
    size_t size = 0;
    for (size_t i = 0; i < from.size; i++) {
        if (from.data[i] == '\n' && (i == 0 || from.data[i - 1] != '\r'))
            room[size++] = '\r';
        room[size++] = from.data[i];
    }
    return size;
}

/* The header from a piece of the file that holds it whole. */
static error keep_header(struct imap_message *message, slice header)
{
    if (message->as_sent) {
        message->header = header;
        return OK;
    }
    char *room = arena_alloc_bytes(message->scratch, header.size * 2);
    TRY_MEMORY(room);
    message->header = slice_of(room, add_cr(header, room));
    return OK;
}

error imap_message_header(struct imap_message *message, slice *out_header)
{
    TRY(imap_message_open(message));
    for (size_t want = HEADER_READ_SIZE; !message->header.data; want *= HEADER_READ_GROWTH) {
        if (message->text.data || want > MAIL_HEADER_SIZE_MAX) {
            slice text;
            TRY(imap_message_text(message, &text));
            message->header = slice_sub(text, 0, mail_header_size(text));
            break;
        }
        size_t size = want < message->file.size ? want : message->file.size;
        char *room = arena_alloc_bytes(message->scratch, size + 1);
        TRY_MEMORY(room);
        TRY(mail_read(&message->file, 0, room, size));
        size_t header_size = mail_header_size(slice_of(room, size));
        /* All of what was read may be the header's beginning only. */
        if (header_size < size || size == message->file.size)
            TRY(keep_header(message, slice_of(room, header_size)));
    }
    *out_header = message->header;
    return OK;
}

static error load(struct imap_message *message)
{
    size_t size = message->file.size;
    TRY(body_reserve(&message->raw, size + 1));
    TRY(mail_read(&message->file, 0, message->raw.data, size));
    message->raw.size = size;
    if (message->as_sent) {
        message->text = body_slice(&message->raw);
        return OK;
    }
    TRY(body_reserve(&message->fixed, size * 2 + 1));
    message->fixed.size = add_cr(body_slice(&message->raw), message->fixed.data);
    body_close(&message->raw);
    message->text = body_slice(&message->fixed);
    message->size = message->text.size;
    return OK;
}

error imap_message_text(struct imap_message *message, slice *out_text)
{
    TRY(imap_message_open(message));
    if (!message->text.data)
        TRY(load(message));
    *out_text = message->text;
    return OK;
}

error imap_message_mime(struct imap_message *message, const struct mime_message **out_mime)
{
    slice text;
    TRY(imap_message_text(message, &text));
    if (!message->mime.root)
        TRY(mime_parse(message->scratch, text, &message->mime));
    *out_mime = &message->mime;
    return OK;
}
