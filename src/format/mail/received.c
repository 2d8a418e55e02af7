/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/mail/received.h"

#include "format/mail/date.h"
#include "format/mail/header.h"

enum { WORD_SIZE_MAX = 300 }; /* keeps every line of ours below 998 bytes (RFC 5322 2.1.1) */

/* Text of a stranger: no control bytes, and nothing that opens or closes a comment. */
static void add_word(struct buffer *buffer, slice word)
{
    size_t start = buffer->size;
    buffer_add(buffer, slice_sub(word, 0, WORD_SIZE_MAX));
    for (size_t i = start; i < buffer->size; i++) {
        unsigned char byte = (unsigned char)buffer->data[i];
        bool bad =
            byte < ' ' || byte == 0x7f || byte == '(' || byte == ')' || byte == '\\' || byte == ';';
        if (bad)
            buffer->data[i] = '?';
    }
}

static void add_address(struct buffer *buffer, slice address)
{
    size_t start = buffer->size;
    buffer_add(buffer, address);
    for (size_t i = start; i < buffer->size; i++) {
        unsigned char byte = (unsigned char)buffer->data[i];
        if (byte < ' ' || byte == 0x7f)
            buffer->data[i] = '?';
    }
}

/* RFC 5321 4.4 wants it; privacy may not (RFC 6409 is silent). */
static void add_client(struct buffer *buffer, const struct mail_received *r)
{
    buffer_add_string(buffer, "from ");
    add_word(buffer, r->helo.size ? r->helo : SLICE("unknown"));
    buffer_add_string(buffer, " (");
    if (r->client_name.size) {
        add_word(buffer, r->client_name);
        buffer_add_byte(buffer, ' ');
    }
    buffer_add_byte(buffer, '[');
    add_word(buffer, r->client_address);
    buffer_add_string(buffer, "])");
    if (r->tls.size) {
        buffer_add_string(buffer, "\r\n\t(using ");
        add_word(buffer, r->tls);
        buffer_add_byte(buffer, ')');
    }
    buffer_add_string(buffer, "\r\n\t");
}

void mail_received_write(struct buffer *buffer, const struct mail_received *r)
{
    buffer_add_string(buffer, "Received: ");
    if (r->helo.size || r->client_address.size)
        add_client(buffer, r);
    if (r->user.size) {
        buffer_add_string(buffer, "(Authenticated sender: ");
        add_word(buffer, r->user);
        buffer_add_string(buffer, ")\r\n\t");
    }
    buffer_add_string(buffer, "by ");
    add_word(buffer, r->by);
    buffer_add_string(buffer, " (Ringmail) with ");
    add_word(buffer, r->with);
    buffer_add_string(buffer, " id ");
    add_word(buffer, r->id);
    if (r->recipient.size && r->recipient.size <= WORD_SIZE_MAX) {
        buffer_add_string(buffer, "\r\n\tfor <");
        add_address(buffer, r->recipient);
        buffer_add_byte(buffer, '>');
    }
    buffer_add_string(buffer, "; ");
    mail_date_write(buffer, r->time_seconds, r->zone_minutes);
    buffer_add_string(buffer, "\r\n");
}

void mail_return_path_write(struct buffer *buffer, slice address)
{
    buffer_add_string(buffer, "Return-Path: <");
    add_address(buffer, address);
    buffer_add_string(buffer, ">\r\n");
}

void mail_delivered_to_write(struct buffer *buffer, slice address)
{
    buffer_add_string(buffer, "Delivered-To: ");
    add_address(buffer, address);
    buffer_add_string(buffer, "\r\n");
}

unsigned mail_received_count(slice text)
{
    struct mail_header_iterator iterator;
    struct mail_header_field field;
    unsigned count = 0;
    mail_header_begin(&iterator, text);
    while (mail_header_next(&iterator, &field))
        count += slice_equal_nocase(field.name, SLICE("Received"));
    return count;
}

bool mail_delivered_to_has(slice text, slice address)
{
    struct mail_header_iterator iterator;
    struct mail_header_field field;
    mail_header_begin(&iterator, text);
    while (mail_header_next(&iterator, &field)) {
        if (!slice_equal_nocase(field.name, SLICE("Delivered-To")))
            continue;
        slice value = slice_trim(field.value);
        if (value.size > 2 && value.data[0] == '<' && value.data[value.size - 1] == '>')
            value = slice_sub(value, 1, value.size - 2);
        if (slice_equal_nocase(value, address))
            return true;
    }
    return false;
}
