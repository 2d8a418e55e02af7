/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Fields of the header that every honest mail has, and what bulk mail says of itself.
 */
#include "base/utf8.h"
#include "filter/spam/rules.h"
#include "format/mail/date.h"

enum { AHEAD_MAX_S = 86400, BEHIND_MAX_S = 14 * 86400, FIELDS_MANY = 200 };

error spam_rule_date(struct spam_scan *scan)
{
    slice value = scan->field[SPAM_FIELD_DATE];
    struct mail_date date;
    if (!value.data)
        SPAM_ADD(scan, DATE_MISSING, SLICE_EMPTY);
    else if (failed(mail_date_parse(value, &date)))
        SPAM_ADD(scan, DATE_BROKEN, slice_trim(value));
    else if (date.seconds > scan->now + AHEAD_MAX_S)
        SPAM_ADD(scan, DATE_FUTURE, slice_trim(value));
    else if (date.seconds < scan->now - BEHIND_MAX_S)
        SPAM_ADD(scan, DATE_PAST, slice_trim(value));
    return OK;
}

/* RFC 5322 3.6.4, loosely: "<left@right>", no blanks, both sides there. */
static bool is_message_id(slice id)
{
    if (id.size < 5 || id.data[0] != '<' || id.data[id.size - 1] != '>')
        return false;
    slice inner = slice_sub(id, 1, id.size - 2), left, right;
    for (size_t i = 0; i < inner.size; i++)
        if ((unsigned char)inner.data[i] <= ' ' || inner.data[i] == '<' || inner.data[i] == '>')
            return false;
    return slice_cut_last(inner, '@', &left, &right) && left.size > 0 && right.size > 0;
}

error spam_rule_message_id(struct spam_scan *scan)
{
    if (!scan->field[SPAM_FIELD_MESSAGE_ID].data) {
        SPAM_ADD(scan, MESSAGE_ID_MISSING, SLICE_EMPTY);
        return OK;
    }
    slice id = slice_trim(scan->field[SPAM_FIELD_MESSAGE_ID]), left, right;
    if (!is_message_id(id)) {
        SPAM_ADD(scan, MESSAGE_ID_BROKEN, id);
        return OK;
    }
    slice_cut_last(slice_sub(id, 1, id.size - 2), '@', &left, &right);
    /* Our mail comes back by lists and forwarding, which leave their traces. */
    bool passed_on =
        scan->field[SPAM_FIELD_LIST_ID].data || scan->field[SPAM_FIELD_DKIM_SIGNATURE].data;
    if (scan->mail->host.size > 0 && slice_equal_nocase(right, scan->mail->host) && !passed_on &&
        address_is_public(&scan->mail->peer))
        SPAM_ADD(scan, MESSAGE_ID_OURS, id);
    return OK;
}

/* RFC 5322 3.6: at most once. */
static const enum spam_field unique_fields[] = {
    SPAM_FIELD_FROM,       SPAM_FIELD_SENDER,       SPAM_FIELD_REPLY_TO,
    SPAM_FIELD_TO,         SPAM_FIELD_CC,           SPAM_FIELD_SUBJECT,
    SPAM_FIELD_DATE,       SPAM_FIELD_MESSAGE_ID,   SPAM_FIELD_IN_REPLY_TO,
    SPAM_FIELD_REFERENCES, SPAM_FIELD_CONTENT_TYPE, SPAM_FIELD_CONTENT_TRANSFER_ENCODING,
};

static slice first_name(const struct spam_scan *scan, slice value)
{
    for (unsigned i = 0; i < scan->field_count; i++)
        if (scan->fields[i].value.data == value.data)
            return scan->fields[i].name;
    return SLICE_EMPTY;
}

error spam_rule_fields(struct spam_scan *scan)
{
    for (size_t i = 0; i < sizeof unique_fields / sizeof *unique_fields; i++)
        if (scan->field_times[unique_fields[i]] > 1)
            SPAM_ADD(scan, FIELD_REPEATED, first_name(scan, scan->field[unique_fields[i]]));
    for (unsigned i = 0; i < scan->field_count; i++) {
        const struct mail_header_field *field = &scan->fields[i];
        if (field->name.size == 0)
            SPAM_ADD(scan, FIELD_BROKEN,
                     slice_sub(scan->message, field->offset, field->size < 40 ? field->size : 40));
        /* RFC 6532: UTF-8 may be there. */
        else if (!utf8_is_ascii(field->value) && !utf8_is_valid(field->value))
            SPAM_ADD(scan, FIELD_EIGHT_BIT, field->name);
    }
    if (scan->field_count > FIELDS_MANY || scan->fields_cut)
        SPAM_ADD(scan, HEADER_HUGE, SLICE_EMPTY);
    return OK;
}

error spam_rule_bulk(struct spam_scan *scan)
{
    slice unsubscribe = scan->field[SPAM_FIELD_LIST_UNSUBSCRIBE];
    if (unsubscribe.data && slice_find_byte(unsubscribe, '<') >= 0) /* RFC 2369 2 */
        SPAM_ADD(scan, LIST_UNSUBSCRIBE, SLICE_EMPTY);
    if (scan->field[SPAM_FIELD_LIST_ID].data && scan->field[SPAM_FIELD_LIST_POST].data)
        SPAM_ADD(scan, MAILING_LIST, slice_trim(scan->field[SPAM_FIELD_LIST_ID]));
    return OK;
}
