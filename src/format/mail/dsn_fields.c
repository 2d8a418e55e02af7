/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/utf8.h"
#include "format/mail/date.h"
#include "format/mail/dsn_part.h"

enum { TYPE_SIZE_MAX = 40, CODE_POINT_SIZE_MAX = sizeof("\\x{10FFFF}") - 1 };

const char *dsn_action_name(enum dsn_action action)
{
    /* RFC 3464 2.3.3 */
    static const char *const names[DSN_ACTIONS] = {"failed", "delayed", "delivered", "relayed",
                                                   "expanded"};
    return names[action];
}

void dsn_add_clean(struct buffer *out, slice value, bool utf8, size_t size_max)
{
    size_t at = 0;
    while (at < value.size) {
        unsigned char byte = (unsigned char)value.data[at];
        uint32_t point;
        size_t size = byte < 0x80 ? 1 : utf8_decode(slice_from(value, at), &point);
        if (at + (size ? size : 1) > size_max)
            return;
        if (byte < 0x80)
            buffer_add_byte(out, byte < ' ' || byte == 0x7f ? ' ' : (char)byte);
        else if (utf8 && size > 0)
            buffer_add(out, slice_sub(value, at, size));
        else
            buffer_add_byte(out, '?');
        at += size ? size : 1;
    }
}

static void add_field(struct buffer *out, const char *name, const char *type, slice value,
                      bool utf8)
{
    buffer_format(out, "%s: %s", name, type);
    dsn_add_clean(out, value, utf8, DSN_VALUE_SIZE_MAX);
    buffer_add_string(out, "\r\n");
}

/* RFC 6533 3: utf-8-addr-xtext, all ASCII. */
static void add_ascii_address(struct buffer *out, slice address)
{
    size_t start = out->size;
    while (address.size > 0 && out->size - start < DSN_VALUE_SIZE_MAX - CODE_POINT_SIZE_MAX) {
        uint32_t point = (unsigned char)*address.data;
        size_t size = utf8_decode(address, &point);
        if (point > ' ' && point < 0x7f && point != '\\' && point != '+' && point != '=')
            buffer_add_byte(out, (char)point);
        else
            buffer_format(out, "\\x{%02X}", (unsigned)point);
        address = slice_from(address, size ? size : 1);
    }
}

static void add_address(struct buffer *out, const char *name, slice type, slice address, bool utf8)
{
    bool ascii = utf8_is_ascii(address);
    buffer_format(out, "%s: ", name);
    if (!ascii || type.size == 0)
        type = ascii ? SLICE("rfc822") : SLICE("utf-8");
    dsn_add_clean(out, type, false, TYPE_SIZE_MAX);
    buffer_add_string(out, "; ");
    if (!ascii && !utf8)
        add_ascii_address(out, address);
    else
        dsn_add_clean(out, address, utf8, DSN_VALUE_SIZE_MAX);
    buffer_add_string(out, "\r\n");
}

static void add_date(struct buffer *out, const char *name, int64_t seconds)
{
    if (seconds == 0)
        return;
    buffer_format(out, "%s: ", name);
    mail_date_write(out, seconds, 0);
    buffer_add_string(out, "\r\n");
}

/* RFC 3463 2: x.y.z, of which each is at most three digits. */
static bool is_status(const int status[3])
{
    return (status[0] == 2 || status[0] == 4 || status[0] == 5) && status[1] >= 0 &&
           status[1] < 1000 && status[2] >= 0 && status[2] < 1000;
}

static void add_status(struct buffer *out, enum dsn_action action, const int status[3])
{
    static const char *const fallback[DSN_ACTIONS] = {"5.0.0", "4.0.0", "2.0.0", "2.0.0", "2.0.0"};
    if (is_status(status))
        buffer_format(out, "Status: %d.%d.%d\r\n", status[0], status[1], status[2]);
    else
        buffer_format(out, "Status: %s\r\n", fallback[action]);
}

static void add_diagnostic(struct buffer *out, const struct dsn_recipient *r, bool utf8)
{
    if (r->code == 0 && r->text.size == 0)
        return;
    if (r->code == 0) { /* ours: no protocol gave it to us */
        add_field(out, "Diagnostic-Code", "x-ringmail; ", r->text, utf8);
        return;
    }
    buffer_format(out, "Diagnostic-Code: smtp; %d ", r->code);
    if (is_status(r->status))
        buffer_format(out, "%d.%d.%d ", r->status[0], r->status[1], r->status[2]);
    dsn_add_clean(out, r->text, utf8, DSN_VALUE_SIZE_MAX);
    buffer_add_string(out, "\r\n");
}

static void add_recipient(const struct dsn *dsn, const struct dsn_recipient *r, bool utf8,
                          struct buffer *out)
{
    buffer_add_string(out, "\r\n"); /* RFC 3464 2.1 */
    if (r->original_address.size > 0)
        add_address(out, "Original-Recipient", r->original_type, r->original_address, utf8);
    add_address(out, "Final-Recipient", SLICE_EMPTY, r->final_address, utf8);
    buffer_format(out, "Action: %s\r\n", dsn_action_name(dsn->action));
    add_status(out, dsn->action, r->status);
    if (r->remote_host.size > 0)
        add_field(out, "Remote-MTA", "dns; ", r->remote_host, utf8);
    add_diagnostic(out, r, utf8);
    add_date(out, "Last-Attempt-Date", r->last_attempt);
    if (dsn->action == DSN_DELAYED) /* RFC 3464 2.3.9 */
        add_date(out, "Will-Retry-Until", r->will_retry_until);
}

void dsn_fields_write(const struct dsn *dsn, bool utf8, struct buffer *out)
{
    if (dsn->envid.size > 0)
        add_field(out, "Original-Envelope-Id", "", dsn->envid, utf8);
    add_field(out, "Reporting-MTA", "dns; ", dsn->reporting_mta, utf8);
    add_date(out, "Arrival-Date", dsn->arrived);
    add_date(out, "Deliver-By-Date", dsn->deliver_by);
    for (unsigned i = 0; i < dsn->count; i++)
        add_recipient(dsn, &dsn->recipients[i], utf8, out);
}
