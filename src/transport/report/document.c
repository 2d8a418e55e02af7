/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "transport/report/document.h"

#include "format/json/write.h"
#include "format/mail/date.h"
#include "format/text/base64.h"

enum { TIME_TEXT_SIZE = 32, BASE64_LINE_BYTES = 57 };

/* ---- JSON ---- */

/* RFC 3339, UTC */
static void member_time(struct json_writer *json, const char *name, int64_t seconds)
{
    struct mail_date_fields at;
    struct buffer text;
    buffer_init(&text, TIME_TEXT_SIZE);
    mail_date_split(seconds, 0, &at);
    buffer_format(&text, "%04d-%02d-%02dT%02d:%02d:%02dZ", at.year, at.month, at.day, at.hour,
                  at.minute, at.second);
    json_member_text(json, name, buffer_slice(&text));
    buffer_close(&text);
}

static void member_address(struct json_writer *json, const char *name,
                           const struct address *address)
{
    char text[ADDRESS_TEXT_SIZE];
    if (address_is_ip(address))
        json_member_text(json, name, address_format_ip(address, text));
}

/* Lines of the policy; of MTA-STS also its mx by themselves. */
static void write_policy_lines(struct json_writer *json, slice text, slice prefix)
{
    while (text.size) {
        slice line;
        slice_cut(text, '\n', &line, &text);
        line = slice_trim(line);
        if (line.size && slice_starts(line, prefix))
            json_text(json, slice_trim(slice_from(line, prefix.size)));
    }
}

static void write_policy(struct json_writer *json, const struct tls_report_entry *entry)
{
    json_member_object_open(json, "policy");
    json_member_string(json, "policy-type", tls_report_policy_name(entry->policy));
    if (entry->policy_text.size) {
        json_member_array_open(json, "policy-string");
        write_policy_lines(json, entry->policy_text, SLICE_EMPTY);
        json_array_close(json);
    }
    json_member_text(json, "policy-domain", entry->domain);
    if (entry->policy == TLS_REPORT_STS && entry->policy_text.size) {
        json_member_array_open(json, "mx-host");
        write_policy_lines(json, entry->policy_text, SLICE("mx:"));
        json_array_close(json);
    }
    json_object_close(json);
}

static void write_failure(struct json_writer *json, const struct tls_report_failure *failure)
{
    json_object_open(json);
    json_member_string(json, "result-type", tls_report_result_name(failure->result));
    member_address(json, "sending-mta-ip", &failure->local);
    if (failure->host.size)
        json_member_text(json, "receiving-mx-hostname", failure->host);
    member_address(json, "receiving-ip", &failure->peer);
    json_member_number(json, "failed-session-count", (int64_t)failure->count);
    if (failure->reason.size)
        json_member_text(json, "failure-reason-code", failure->reason);
    json_object_close(json);
}

static void write_entry(struct json_writer *json, const struct tls_report_entry *entry)
{
    json_object_open(json);
    write_policy(json, entry);
    json_member_object_open(json, "summary");
    json_member_number(json, "total-successful-session-count", (int64_t)entry->successes);
    json_member_number(json, "total-failure-session-count", (int64_t)entry->failures);
    json_object_close(json);
    if (entry->details) {
        json_member_array_open(json, "failure-details");
        for (const struct tls_report_failure *one = entry->details; one; one = one->next)
            write_failure(json, one);
        json_array_close(json);
    }
    json_object_close(json);
}

void tls_document_write(const struct tls_document *document, struct buffer *out)
{
    struct json_writer json;
    json_begin(&json, out);
    json_object_open(&json);
    json_member_text(&json, "organization-name", document->organization);
    json_member_object_open(&json, "date-range");
    member_time(&json, "start-datetime", document->begin);
    member_time(&json, "end-datetime", document->end - 1);
    json_object_close(&json);
    json_member_text(&json, "contact-info", document->contact);
    json_member_text(&json, "report-id", document->id);
    json_member_array_open(&json, "policies");
    for (int i = 0; i < TLS_REPORT_POLICIES; i++)
        if (document->entries[i])
            write_entry(&json, document->entries[i]);
    json_array_close(&json);
    json_object_close(&json);
}

/* ---- Mail ---- */

static void add_base64(slice bytes, struct buffer *out)
{
    while (bytes.size) {
        base64_encode(out, slice_sub(bytes, 0, BASE64_LINE_BYTES));
        buffer_add(out, SLICE("\r\n"));
        bytes = slice_from(bytes, BASE64_LINE_BYTES);
    }
}

static void add_head(const struct tls_document *d, slice to, struct buffer *out)
{
    buffer_format(out, "From: <%.*s>\r\nTo: <%.*s>\r\nDate: ", SLICE_ARG(d->contact),
                  SLICE_ARG(to));
    mail_date_write(out, d->now, 0);
    buffer_format(out, "\r\nMessage-ID: <%.*s@%.*s>\r\n", SLICE_ARG(d->id),
                  SLICE_ARG(d->submitter));
    /* RFC 8460 5.3; folded, for names may be long */
    buffer_format(out,
                  "Subject: Report Domain: %.*s\r\n Submitter: %.*s\r\n Report-ID: <%.*s>\r\n"
                  "TLS-Report-Domain: %.*s\r\nTLS-Report-Submitter: %.*s\r\n",
                  SLICE_ARG(d->domain), SLICE_ARG(d->submitter), SLICE_ARG(d->id),
                  SLICE_ARG(d->domain), SLICE_ARG(d->submitter));
    buffer_add_string(out, "TLS-Required: No\r\nAuto-Submitted: auto-generated\r\n"
                           "MIME-Version: 1.0\r\n");
}

void tls_document_mail(const struct tls_document *d, slice to, slice zipped, struct buffer *out)
{
    add_head(d, to, out);
    buffer_format(out,
                  "Content-Type: multipart/report; report-type=\"tlsrpt\";\r\n"
                  " boundary=\"=_%.*s\"\r\n\r\n",
                  SLICE_ARG(d->id));
    buffer_format(out,
                  "--=_%.*s\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n"
                  "What became of TLS on the way from %.*s to %.*s,\r\n"
                  "as RFC 8460 has it, is in the other part of this message.\r\n\r\n",
                  SLICE_ARG(d->id), SLICE_ARG(d->submitter), SLICE_ARG(d->domain));
    buffer_format(out,
                  "--=_%.*s\r\nContent-Type: application/tlsrpt+gzip\r\n"
                  "Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment;\r\n"
                  " filename=\"%.*s!%.*s!%lld!%lld.json.gz\"\r\n\r\n",
                  SLICE_ARG(d->id), SLICE_ARG(d->submitter), SLICE_ARG(d->domain),
                  (long long)d->begin, (long long)(d->end - 1));
    add_base64(zipped, out);
    buffer_format(out, "--=_%.*s--\r\n", SLICE_ARG(d->id));
}
