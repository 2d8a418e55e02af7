/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/imap/envelope.h"

#include "format/imap/write.h"
#include "format/mail/address.h"
#include "format/mail/header.h"

enum field { DATE, SUBJECT, FROM, SENDER, REPLY_TO, TO, CC, BCC, IN_REPLY_TO, MESSAGE_ID, FIELDS };

static const slice FIELD_NAMES[FIELDS] = {
    [DATE] = {"Date", 4},
    [SUBJECT] = {"Subject", 7},
    [FROM] = {"From", 4},
    [SENDER] = {"Sender", 6},
    [REPLY_TO] = {"Reply-To", 8},
    [TO] = {"To", 2},
    [CC] = {"Cc", 2},
    [BCC] = {"Bcc", 3},
    [IN_REPLY_TO] = {"In-Reply-To", 11},
    [MESSAGE_ID] = {"Message-ID", 10},
};

/* One pass; the first of each name. */
static void collect(slice header, slice values[FIELDS])
{
    struct mail_header_iterator iterator;
    struct mail_header_field field;
    mail_header_begin(&iterator, header);
    while (mail_header_next(&iterator, &field)) {
        for (int i = 0; i < FIELDS; i++) {
            if (!slice_equal_nocase(field.name, FIELD_NAMES[i]))
                continue;
            if (!values[i].data)
                values[i] = field.value;
            break;
        }
    }
}

static void write_address(const struct mail_address *address, struct buffer *out)
{
    buffer_add_byte(out, '(');
    /* RFC 3501 7.4.2: a group starts with (NIL NIL name NIL) and ends with all NIL. */
    if (address->kind == MAIL_ADDRESS_MAILBOX) {
        imap_write_nstring(address->name, false, out);
        buffer_add_byte(out, ' ');
        imap_write_nstring(address->route, false, out);
    } else
        buffer_add(out, SLICE("NIL NIL"));
    buffer_add_byte(out, ' ');
    imap_write_nstring(address->kind == MAIL_ADDRESS_GROUP_END ? SLICE_EMPTY : address->local,
                       false, out);
    buffer_add_byte(out, ' ');
    imap_write_nstring(address->kind == MAIL_ADDRESS_MAILBOX ? address->domain : SLICE_EMPTY, false,
                       out);
    buffer_add_byte(out, ')');
}

static error write_addresses(slice value, struct arena *arena, struct buffer *out)
{
    struct mail_address *address;
    TRY(mail_address_parse(arena, value, &address));
    if (!address) {
        buffer_add(out, SLICE("NIL"));
        return OK;
    }
    buffer_add_byte(out, '(');
    for (; address; address = address->next)
        write_address(address, out);
    buffer_add_byte(out, ')');
    return OK;
}

static error write_text(slice value, struct arena *arena, struct buffer *out)
{
    slice text = SLICE_EMPTY;
    if (value.data)
        TRY(mail_header_unfold(arena, value, &text));
    if (value.data && !text.data)
        text = SLICE("");
    imap_write_nstring(text, false, out);
    return OK;
}

error imap_envelope_write(slice header, struct arena *arena, struct buffer *out)
{
    slice values[FIELDS] = {{NULL, 0}};
    collect(header, values);
    /* RFC 3501 7.4.2: a missing or empty sender or reply-to is the from. */
    if (slice_trim(values[SENDER]).size == 0)
        values[SENDER] = values[FROM];
    if (slice_trim(values[REPLY_TO]).size == 0)
        values[REPLY_TO] = values[FROM];
    for (int i = 0; i < FIELDS; i++) {
        buffer_add_byte(out, i == 0 ? '(' : ' ');
        if (i >= FROM && i <= BCC)
            TRY(write_addresses(values[i], arena, out));
        else
            TRY(write_text(values[i], arena, out));
    }
    buffer_add_byte(out, ')');
    return buffer_check(out);
}
