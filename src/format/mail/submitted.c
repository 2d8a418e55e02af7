/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/mail/submitted.h"

#include "format/mail/header.h"

static bool is_secret(slice name)
{
    return slice_equal_nocase(name, SLICE("Bcc")) ||
           slice_equal_nocase(name, SLICE("Resent-Bcc")) ||
           slice_equal_nocase(name, SLICE("Return-Path")); /* RFC 5321 4.4 */
}

static bool is_report(slice value)
{
    slice type, rest;
    slice_cut(value, ';', &type, &rest);
    return slice_equal_nocase(slice_trim(type), SLICE("multipart/report"));
}

static void read_field(struct mail_submitted *mail, const struct mail_header_field *field)
{
    slice name = field->name;
    if (slice_equal_nocase(name, SLICE("From"))) {
        if (mail->from_count++ == 0)
            mail->from = field->value;
    } else if (slice_equal_nocase(name, SLICE("Date"))) {
        mail->date = true;
    } else if (slice_equal_nocase(name, SLICE("Message-ID"))) {
        mail->message_id = true;
    } else if (slice_equal_nocase(name, SLICE("Content-Type"))) {
        mail->report |= is_report(field->value);
    } else if (slice_equal_nocase(name, SLICE("TLS-Required"))) {
        mail->tls_optional |= slice_equal_nocase(slice_trim(field->value), SLICE("No"));
    } else {
        mail->secrets |= is_secret(name);
    }
}

/* Not the line end of a field that was cut at a limit. */
static bool is_header_end(slice message, size_t at)
{
    return at >= message.size ||
           (mail_line_end_size(message, at) > 0 && (at == 0 || message.data[at - 1] == '\n'));
}

void mail_submitted_read(slice message, struct mail_submitted *out_mail)
{
    struct mail_submitted mail = {0};
    struct mail_header_iterator iterator;
    struct mail_header_field field;
    mail_header_begin(&iterator, message);
    while (mail_header_next(&iterator, &field))
        read_field(&mail, &field);
    mail.too_large = !is_header_end(message, iterator.at);
    *out_mail = mail;
}

/* A field that stays is moved behind the last one that stayed: never past what was not yet read. */
size_t mail_submitted_clean(char *message, size_t size)
{
    struct mail_header_iterator iterator;
    struct mail_header_field field;
    size_t kept = 0;
    mail_header_begin(&iterator, slice_of(message, size));
    while (mail_header_next(&iterator, &field)) {
        if (is_secret(field.name))
            continue;
        if (kept != field.offset)
            memmove(message + kept, message + field.offset, field.size);
        kept += field.size;
    }
    if (kept != iterator.at)
        memmove(message + kept, message + iterator.at, size - iterator.at);
    return kept + size - iterator.at;
}
