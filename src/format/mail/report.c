/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/mail/report.h"

#include "base/cursor.h"
#include "base/utf8.h"
#include "format/mail/address.h"
#include "format/mail/date.h"
#include "format/mail/dsn.h"
#include "format/mail/header.h"
#include "format/mail/mime.h"

enum { ADDRESS_SIZE_MAX = 1024, TYPE_SIZE_MAX = 64 };

bool mail_report_is_likely(slice header)
{
    slice value;
    return mail_header_find(header, SLICE("Content-Type"), &value) &&
           slice_starts_nocase(slice_trim(value), SLICE("multipart/report"));
}

/* ---- Values ---- */

/* "5.1.1 (bad destination)"; untouched where it is none. What follows is *out_rest. */
static bool read_status(slice text, int out_status[3], slice *out_rest)
{
    struct cursor c = cursor_over(text);
    uint64_t part[3];
    for (unsigned i = 0; i < 3; i++)
        if ((i > 0 && !cursor_take_byte(&c, '.')) || !cursor_take_u64(&c, 999, &part[i]))
            return false;
    if (part[0] != 2 && part[0] != 4 && part[0] != 5) /* RFC 3463 3.1 */
        return false;
    if (ascii_is_digit((char)cursor_peek(&c)) || cursor_peek(&c) == '.') /* an IP address */
        return false;
    for (unsigned i = 0; i < 3; i++)
        out_status[i] = (int)part[i];
    *out_rest = cursor_rest(&c);
    return true;
}

/* RFC 6533 3: "\x{E9}" in an address of type utf-8. */
static error decode_points(struct arena *arena, slice text, slice *out_text)
{
    char *plain = arena_alloc_bytes(arena, text.size);
    TRY_MEMORY(plain);
    size_t size = 0;
    while (text.size > 0) {
        uint32_t point = 0;
        size_t at = 3, end = 0;
        if (slice_starts(text, SLICE("\\x{")))
            for (; at < text.size && at < 3 + 7 && end == 0; at++) {
                char digit = ascii_lower(text.data[at]);
                if (digit == '}')
                    end = at + 1;
                else if (ascii_is_digit(digit) || (digit >= 'a' && digit <= 'f'))
                    point = point << 4 |
                            (uint32_t)(ascii_is_digit(digit) ? digit - '0' : digit - 'a' + 10);
                else
                    break;
            }
        char bytes[4];
        size_t count =
            end > 4 ? utf8_encode(point, bytes) : 0; /* shorter than what it stands for */
        if (count == 0) {
            bytes[0] = text.data[0];
            count = end = 1;
        }
        memcpy(plain + size, bytes, count);
        size += count;
        text = slice_from(text, end);
    }
    *out_text = slice_of(plain, size);
    return OK;
}

/* "<bob@example.net> (Bob)" without decoration; what is no address stays as it is. */
static error read_plain_address(struct arena *arena, slice text, slice *out_address)
{
    struct mail_address *address = NULL;
    struct buffer written;
    *out_address = text;
    if (text.size == 0 || text.size > ADDRESS_SIZE_MAX)
        return OK;
    TRY(mail_address_parse(arena, text, &address));
    if (!address || address->kind != MAIL_ADDRESS_MAILBOX || address->incomplete)
        return OK;
    buffer_init(&written, 4 * ADDRESS_SIZE_MAX);
    mail_address_write(&written, address->local, address->domain);
    error problem = buffer_check(&written);
    if (!failed(problem))
        problem = arena_copy(arena, buffer_slice(&written), out_address);
    buffer_close(&written);
    return problem;
}

/* "rfc822; bob@example.net"; a missing type is let through. */
static error read_address(struct arena *arena, slice value, slice *out_address)
{
    slice type, address;
    if (!slice_cut(value, ';', &type, &address) || type.size > TYPE_SIZE_MAX) {
        address = value;
        type = SLICE_EMPTY;
    }
    address = slice_trim(address);
    if (slice_equal_nocase(slice_trim(type), SLICE("utf-8")))
        TRY(decode_points(arena, slice_sub(address, 0, ADDRESS_SIZE_MAX), &address));
    return read_plain_address(arena, address, out_address);
}

/* "dns; mx.example.net (192.0.2.1)" */
static slice read_host(slice value)
{
    slice type, host;
    if (!slice_cut(value, ';', &type, &host))
        host = value;
    host = slice_trim(host);
    size_t end = 0;
    while (end < host.size && host.data[end] != ' ' && host.data[end] != '\t' &&
           host.data[end] != '(')
        end++;
    return slice_sub(host, 0, end);
}

static enum dsn_action read_action(slice value)
{
    size_t end = 0;
    while (end < value.size && ascii_is_alpha(value.data[end]))
        end++;
    for (unsigned i = 0; i < DSN_ACTIONS; i++)
        if (slice_equal_nocase(slice_sub(value, 0, end),
                               slice_from_string(dsn_action_name((enum dsn_action)i))))
            return (enum dsn_action)i;
    return DSN_ACTIONS;
}

/* "smtp; 550 5.1.1 no such user", "smtp;550-5.1.1 ...", "X-Postfix; unknown user". The status in it
 * counts where the Status field says nothing, or nothing but the class. */
static void read_diagnostic(slice value, struct mail_report_recipient *r)
{
    slice type, text;
    uint64_t code;
    if (!slice_cut(value, ';', &type, &text) || type.size > TYPE_SIZE_MAX)
        text = value;
    text = slice_trim(text);
    struct cursor c = cursor_over(text);
    if (cursor_take_u64(&c, 599, &code) && code >= 200 && !ascii_is_digit((char)cursor_peek(&c)) &&
        cursor_peek(&c) != '.') {
        r->code = (int)code;
        (void)(cursor_take_byte(&c, '-') || cursor_take_byte(&c, ' '));
        text = slice_trim(cursor_rest(&c));
    }
    int status[3];
    slice rest;
    if (read_status(text, status, &rest)) {
        if (r->status[1] == 0 && r->status[2] == 0)
            memcpy(r->status, status, sizeof status);
        text = slice_trim(rest);
    }
    r->text = text;
}

/* ---- Delivery status ---- */

struct reader {
    struct arena *arena;
    struct mail_report *report;
    struct mail_report_recipient **next;
};

static bool is_named(const struct mail_header_field *field, const char *name)
{
    return slice_equal_nocase(field->name, slice_from_string(name));
}

static void read_date(slice value, int64_t *out_seconds)
{
    struct mail_date date;
    if (!failed(mail_date_parse(value, &date)))
        *out_seconds = date.seconds;
}

/* RFC 3464 2.2 and 2.3: a field of the message or of a recipient, wherever it stands. */
static error read_status_field(struct reader *reader, const struct mail_header_field *field,
                               struct mail_report_recipient *r, slice *out_diagnostic)
{
    struct mail_report *report = reader->report;
    slice value, rest;
    TRY(mail_header_unfold(reader->arena, field->value, &value));
    if (is_named(field, "Original-Recipient"))
        return read_address(reader->arena, value, &r->original);
    if (is_named(field, "Final-Recipient"))
        return read_address(reader->arena, value, &r->final);
    if (is_named(field, "Action"))
        r->action = read_action(value);
    else if (is_named(field, "Status"))
        (void)read_status(value, r->status, &rest);
    else if (is_named(field, "Remote-MTA"))
        r->host = read_host(value);
    else if (is_named(field, "Diagnostic-Code"))
        *out_diagnostic = value;
    else if (is_named(field, "Reporting-MTA"))
        report->reporting_mta = read_host(value);
    else if (is_named(field, "Original-Envelope-Id"))
        report->envid = value;
    else if (is_named(field, "Arrival-Date"))
        read_date(value, &report->arrived);
    return OK;
}

/* One group of fields; it is a recipient's where it names one. */
static error read_group(struct reader *reader, slice text, size_t *out_size)
{
    struct mail_header_iterator iterator;
    struct mail_header_field field;
    slice diagnostic = SLICE_EMPTY;
    struct mail_report_recipient r = {.action = DSN_ACTIONS};
    mail_header_begin(&iterator, text);
    while (mail_header_next(&iterator, &field))
        TRY(read_status_field(reader, &field, &r, &diagnostic));
    *out_size = iterator.at;
    if (r.final.size == 0 && r.original.size == 0)
        return OK;
    if (reader->report->count == MAIL_REPORT_RECIPIENTS_MAX) {
        reader->report->cut_short = true;
        return OK;
    }
    read_diagnostic(diagnostic, &r);
    if (r.action == DSN_ACTIONS && r.status[0] != 0)
        r.action = r.status[0] == 5 ? DSN_FAILED : r.status[0] == 4 ? DSN_DELAYED : DSN_DELIVERED;
    struct mail_report_recipient *kept = ARENA_NEW(reader->arena, struct mail_report_recipient);
    TRY_MEMORY(kept);
    *kept = r;
    *reader->next = kept;
    reader->next = &kept->next;
    reader->report->count++;
    return OK;
}

static error read_delivery(struct reader *reader, slice text)
{
    size_t size, end;
    while (text.size > 0 && !reader->report->cut_short) {
        while ((end = mail_line_end_size(text, 0)))
            text = slice_from(text, end);
        TRY(read_group(reader, text, &size));
        if (size == 0)
            break;
        text = slice_from(text, size);
        if (text.size > 0 && !mail_line_end_size(text, 0))
            reader->report->cut_short = true; /* more fields than anyone needs */
    }
    return OK;
}

/* ---- Feedback ---- */

/* RFC 5965 3, RFC 6591 3 */
static error read_feedback_field(struct reader *reader, const struct mail_header_field *field)
{
    struct mail_report *report = reader->report;
    slice value;
    TRY(mail_header_unfold(reader->arena, field->value, &value));
    struct cursor c = cursor_over(value);
    if (is_named(field, "Feedback-Type"))
        report->feedback_type = value;
    else if (is_named(field, "User-Agent"))
        report->user_agent = value;
    else if (is_named(field, "Original-Mail-From"))
        return read_plain_address(reader->arena, value, &report->original_sender);
    else if (is_named(field, "Original-Envelope-Id"))
        report->envid = value;
    else if (is_named(field, "Arrival-Date") || is_named(field, "Received-Date"))
        read_date(value, &report->arrived);
    else if (is_named(field, "Reporting-MTA"))
        report->reporting_mta = read_host(value);
    else if (is_named(field, "Source-IP"))
        report->source_ip = read_host(value);
    else if (is_named(field, "Reported-Domain") && report->reported_domain.size == 0)
        report->reported_domain = value;
    else if (is_named(field, "Auth-Failure"))
        report->auth_failure = value;
    else if (is_named(field, "Incidents"))
        (void)cursor_take_u64(&c, UINT32_MAX, &report->incidents);
    return OK;
}

static error add_feedback_recipient(struct reader *reader, slice value)
{
    if (reader->report->count == MAIL_REPORT_RECIPIENTS_MAX) {
        reader->report->cut_short = true;
        return OK;
    }
    struct mail_report_recipient *r = ARENA_NEW(reader->arena, struct mail_report_recipient);
    TRY_MEMORY(r);
    r->action = DSN_ACTIONS;
    TRY(mail_header_unfold(reader->arena, value, &value));
    TRY(read_plain_address(reader->arena, value, &r->final));
    *reader->next = r;
    reader->next = &r->next;
    reader->report->count++;
    return OK;
}

static error read_feedback(struct reader *reader, slice text)
{
    struct mail_header_iterator iterator;
    struct mail_header_field field;
    size_t end;
    while ((end = mail_line_end_size(text, 0)))
        text = slice_from(text, end);
    reader->report->incidents = 1;
    mail_header_begin(&iterator, text);
    while (mail_header_next(&iterator, &field)) {
        TRY(read_feedback_field(reader, &field));
        if (is_named(&field, "Original-Rcpt-To"))
            TRY(add_feedback_recipient(reader, field.value));
    }
    return OK;
}

/* ---- The message around it ---- */

/* Reports within mails within the report are not ours. */
static bool is_near(const struct mime_part *part)
{
    if (part->depth == 0 || part->depth > MAIL_REPORT_DEPTH_MAX)
        return false;
    for (part = part->parent; part; part = part->parent)
        if (part->kind != MIME_KIND_MULTIPART)
            return false;
    return true;
}

static bool has_type(const struct mime_part *part, const char *type, const char *subtype)
{
    return mime_part_is(part, slice_from_string(type), slice_from_string(subtype));
}

static error decode(struct arena *arena, slice message, const struct mime_part *part,
                    size_t size_max, slice *out_text)
{
    struct mime_part shortened = *part;
    if (shortened.body_size > size_max)
        shortened.body_size = size_max;
    error problem = mime_part_decode(arena, message, &shortened, out_text);
    if (problem.kind != ERROR_MALFORMED)
        return problem;
    *out_text = mime_part_body(message, &shortened); /* an encoding that nobody knows */
    return OK;
}

static bool is_original(const struct mime_part *part)
{
    return has_type(part, "message", "rfc822") || has_type(part, "message", "global") ||
           has_type(part, "message", "global-headers") ||
           slice_equal_nocase(part->subtype, SLICE("rfc822-headers"));
}

static error read_original(struct reader *reader, slice message, const struct mime_part *part)
{
    slice header, value;
    TRY(decode(reader->arena, message, part, MAIL_REPORT_HEADER_SIZE_MAX, &header));
    if (!mail_header_find(header, SLICE("Message-ID"), &value))
        return OK;
    return mail_header_unfold(reader->arena, value, &reader->report->message_id);
}

error mail_report_parse(struct arena *arena, slice message, struct mail_report *out_report)
{
    struct mime_message parsed;
    struct mail_report report = {0};
    struct reader reader = {arena, &report, &report.recipients};
    slice text;
    bool found = false, original = false;
    message = slice_sub(message, 0, MAIL_REPORT_SIZE_MAX);
    TRY(mime_parse(arena, message, &parsed));
    for (struct mime_part *part = parsed.root; part; part = mime_part_walk(part)) {
        if (!is_near(part))
            continue;
        bool feedback = has_type(part, "message", "feedback-report");
        bool delivery = has_type(part, "message", "delivery-status") ||
                        has_type(part, "message", "global-delivery-status");
        if (!found && (feedback || delivery)) {
            TRY(decode(arena, message, part, MAIL_REPORT_FIELDS_SIZE_MAX, &text));
            report.kind = feedback ? MAIL_REPORT_FEEDBACK : MAIL_REPORT_DELIVERY;
            TRY(feedback ? read_feedback(&reader, text) : read_delivery(&reader, text));
            found = true;
        } else if (found && !original && is_original(part)) {
            TRY(read_original(&reader, message, part));
            original = true;
        }
    }
    if (!found)
        return error_make(ERROR_NOT_FOUND, "no report");
    *out_report = report;
    return OK;
}
