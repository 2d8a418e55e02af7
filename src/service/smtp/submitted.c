/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/smtp/submitted.h"

#include "base/log.h"
#include "base/metric.h"
#include "base/random.h"
#include "filter/authentic/signer.h"
#include "format/mail/address.h"
#include "format/mail/date.h"
#include "format/mail/submitted.h"
#include "service/smtp/answer.h"
#include "service/smtp/trace.h"
#include "transport/event.h"

METRIC_COUNTER(limited_total, "ringmail_submission_limited_total", "",
               "Mails and recipients refused because an account had sent too much");
METRIC_COUNTER(foreign_total, "ringmail_submission_foreign_from_total", "",
               "Mails refused because of an address in From: that is not the account's");

/* ---- Whose name it bears ---- */

struct from {
    const struct mail_submitted *mail;
    slice domain; /* of its first address, A-labels: whose key signs */
};

/* WAITS. */
static enum smtp_reply check_address(struct smtp_session *s, slice address)
{
    bool allowed;
    if (s->settings->sender_check == SMTP_SENDER_ENVELOPE ||
        slice_equal(address, s->transaction.mail.sender.address)) /* asked for at MAIL */
        return SMTP_REPLY_NONE;
    error problem = directory_may_send(directory_here(), s->account, address, &allowed);
    if (failed(problem))
        return smtp_reply_for_directory(problem);
    if (allowed)
        return SMTP_REPLY_NONE;
    metric_add(&foreign_total, 1);
    return SMTP_REPLY_FROM_NOT_YOURS;
}

static error canonical(struct arena *arena, const struct mail_address *address,
                       struct smtp_path *out_path)
{
    struct buffer buffer;
    slice text;
    buffer_init(&buffer, DIRECTORY_ADDRESS_SIZE_MAX);
    mail_address_write(&buffer, address->local, address->domain);
    error problem = buffer_check(&buffer);
    if (!failed(problem))
        problem = arena_copy(arena, buffer_slice(&buffer), &text);
    buffer_close(&buffer);
    TRY(problem);
    return smtp_path_parse(arena, text, out_path);
}

/* WAITS. RFC 5322 3.6.2: one or more mailboxes. */
static enum smtp_reply check_from(struct smtp_session *s, struct from *from)
{
    struct arena *arena = &s->transaction.arena;
    struct mail_address *address;
    unsigned count = 0;
    if (from->mail->from_count != 1)
        return SMTP_REPLY_FROM_MISSING;
    error problem = mail_address_parse(arena, from->mail->from, &address);
    if (failed(problem))
        return smtp_reply_for_memory(problem);
    for (; address; address = address->next) {
        struct smtp_path path;
        if (address->kind != MAIL_ADDRESS_MAILBOX)
            continue;
        if (address->incomplete || ++count > SMTP_FROM_ADDRESSES_MAX ||
            failed(canonical(arena, address, &path)))
            return SMTP_REPLY_FROM_MISSING;
        enum smtp_reply reply = check_address(s, path.address);
        if (reply != SMTP_REPLY_NONE)
            return reply;
        if (count == 1)
            from->domain = path.domain_ascii;
    }
    return count ? SMTP_REPLY_NONE : SMTP_REPLY_FROM_MISSING;
}

static enum smtp_reply check(struct smtp_session *s, struct from *from)
{
    if (from->mail->too_large)
        return SMTP_REPLY_HEADER_TOO_LARGE;
    if (s->transaction.mail.sender.address.size == 0 && !from->mail->report &&
        s->settings->null_sender == SMTP_NULL_SENDER_REPORTS)
        return SMTP_REPLY_EMPTY_SENDER;
    return check_from(s, from);
}

/* ---- What is missing ---- */

/* RFC 6409 8.1 to 8.3 */
static void add_missing(const struct smtp_session *s, const struct from *from,
                        struct buffer *prefix)
{
    if (!from->mail->date) {
        buffer_add_string(prefix, "Date: ");
        mail_date_write(prefix, s->transaction.began_seconds, 0);
        buffer_add_string(prefix, "\r\n");
    }
    if (!from->mail->message_id)
        buffer_format(prefix, "Message-ID: <%llx.%016llx@%.*s>\r\n",
                      (long long)s->transaction.began_seconds, (long long)random_u64(),
                      SLICE_ARG(from->domain));
}

/* WAITS. Signatures stand before the fields they sign. */
static error sign(struct smtp_session *s, slice domain, slice fields, slice *out_prefix)
{
    struct smtp_transaction *t = &s->transaction;
    struct buffer signatures;
    buffer_init(&signatures, SMTP_PREFIX_SIZE_MAX);
    error problem = signer_sign(domain, fields, body_slice(&t->body), &t->arena, &signatures);
    if (!failed(problem)) {
        buffer_add(&signatures, fields);
        problem = buffer_check(&signatures);
    }
    if (!failed(problem))
        problem = arena_copy(&t->arena, buffer_slice(&signatures), out_prefix);
    buffer_close(&signatures);
    return problem;
}

/* WAITS. */
static error make_prefix(struct smtp_session *s, slice id, const struct from *from,
                         slice *out_prefix)
{
    struct smtp_transaction *t = &s->transaction;
    struct buffer prefix;
    slice trace, fields;
    TRY(smtp_trace_make(s, id, &trace));
    buffer_init(&prefix, SMTP_PREFIX_SIZE_MAX);
    buffer_add(&prefix, trace);
    add_missing(s, from, &prefix);
    error problem = buffer_check(&prefix);
    if (!failed(problem))
        problem = arena_copy(&t->arena, buffer_slice(&prefix), &fields);
    buffer_close(&prefix);
    TRY(problem);
    return sign(s, from->domain, fields, out_prefix);
}

enum smtp_reply smtp_submitted_prepare(struct smtp_session *s, slice id, slice *out_prefix,
                                       error *out_problem)
{
    struct smtp_transaction *t = &s->transaction;
    struct mail_submitted mail;
    smtp_authentication_clean(s);
    mail_submitted_read(body_slice(&t->body), &mail);
    struct from from = {.mail = &mail};
    enum smtp_reply reply = check(s, &from);
    if (reply != SMTP_REPLY_NONE)
        return reply;
    /* From here on no view of the message is used: what is behind a field that goes moves. */
    if (mail.secrets)
        t->body.size = mail_submitted_clean(t->body.data, t->body.size);
    *out_problem = make_prefix(s, id, &from, out_prefix);
    return failed(*out_problem) ? SMTP_REPLY_SIGNING_TROUBLE : SMTP_REPLY_NONE;
}

/* ---- Limits ---- */

void smtp_submitted_limit_met(const struct smtp_session *s, slice sender, bool alert)
{
    metric_add(&limited_total, 1);
    if (!alert)
        return;
    char peer[ADDRESS_TEXT_SIZE];
    struct log_line line = log_begin(LOG_WARNING, "submission.limit");
    log_text(&line, "account", s->account);
    log_text(&line, "peer", address_format_ip(stream_peer(s->stream), peer));
    log_text(&line, "from", sender);
    log_end(&line);
    transport_event(&(struct transport_event){.kind = TRANSPORT_LIMITED,
                                              .time = time_wall_seconds(),
                                              .account = s->account,
                                              .sender = sender,
                                              .text = SLICE("the account met its sending limit")});
}

enum smtp_reply smtp_submitted_limit_reply(const struct smtp_session *s, unsigned recipients)
{
    const struct smtp_settings *limits = s->settings;
    bool never = (limits->recipients_per_hour && recipients > limits->recipients_per_hour) ||
                 (limits->recipients_per_day && recipients > limits->recipients_per_day);
    return never ? SMTP_REPLY_SENDING_LIMIT_NEVER : SMTP_REPLY_SENDING_LIMIT;
}
