/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/smtp/judgement.h"

#include "base/metric.h"
#include "filter/spam/fields.h"
#include "filter/spam/settings.h"
#include "format/mail/header.h"
#include "net/tls.h"
#include "service/smtp/outgoing.h"
#include "service/smtp/session.h"

METRIC_COUNTER(disowned_total, "ringmail_smtp_disowned_fields_total", "",
               "X-Spam fields of strangers that were renamed");
METRIC_COUNTER(not_forwarded_total, "ringmail_smtp_junk_not_forwarded_total", "",
               "Mails refused because they were junk for addresses elsewhere");

static error list_recipients(struct smtp_session *s, struct spam_mail *mail)
{
    struct smtp_transaction *t = &s->transaction;
    slice *list = ARENA_ARRAY(&t->arena, slice, t->recipient_count);
    TRY_MEMORY(list);
    for (const struct smtp_recipient *r = t->recipients; r; r = r->next)
        list[mail->recipient_count++] = r->address;
    mail->recipients = list;
    return OK;
}

/* WAITS. */
static error ask(struct smtp_session *s, slice id, struct spam_verdict *out_verdict)
{
    struct smtp_transaction *t = &s->transaction;
    struct tls_information tls;
    struct spam_mail mail = {
        .id = id,
        .peer = *stream_peer(s->stream),
        .helo = smtp_session_helo(s),
        .host = s->service->hostname,
        .sender = t->mail.sender.address,
        .account = s->account,
        .message = body_slice(&t->body),
        .authentic = t->authentication.authentic,
        .tls = stream_tls_information(s->stream, &tls),
    };
    if (mail.tls) {
        mail.tls_version = slice_from_string(tls.protocol);
        mail.tls_cipher = slice_from_string(tls.cipher);
    }
    TRY(list_recipients(s, &mail));
    return spam_judge(&mail, &t->arena, out_verdict);
}

static void disown(struct smtp_transaction *t)
{
    size_t header = mail_header_size(body_slice(&t->body));
    metric_add(&disowned_total, spam_fields_disown(t->body.data, header));
}

/* What our own accounts send is never junk: nobody would look for it there. */
static enum smtp_reply reply_for(struct smtp_session *s, enum spam_action action)
{
    struct smtp_transaction *t = &s->transaction;
    switch (action) {
    case SPAM_REFUSE:
        return SMTP_REPLY_SPAM_REFUSED;
    case SPAM_DELAY:
        return SMTP_REPLY_SPAM_DELAYED;
    case SPAM_JUNK:
        t->junk |= !smtp_session_is_submission(s);
        break;
    case SPAM_ACCEPT:
        break;
    }
    return SMTP_REPLY_NONE;
}

/* Who is passed our junk takes us for its source; and mail must not vanish. */
static bool is_junk_for_others(const struct smtp_transaction *t)
{
    const struct spam_settings *settings = spam_settings_here();
    return t->junk && t->outside_count && settings && !settings->forward_junk;
}

error smtp_judge(struct smtp_session *s, slice id, enum smtp_reply *out_reply, slice *out_text)
{
    struct smtp_transaction *t = &s->transaction;
    struct smtp_judgement *judgement = &t->judgement;
    enum smtp_reply reply = SMTP_REPLY_NONE;
    bool submission = smtp_session_is_submission(s);
    if (spam_is_wanted(stream_peer(s->stream), submission)) {
        TRY(ask(s, id, &judgement->verdict));
        judgement->asked = true;
        if (!submission)
            disown(t);
        reply = reply_for(s, judgement->verdict.action);
    }
    *out_text = judgement->verdict.reply;
    if (reply == SMTP_REPLY_NONE && is_junk_for_others(t)) {
        metric_add(&not_forwarded_total, 1);
        reply = SMTP_REPLY_SPAM_REFUSED;
    }
    *out_reply = reply;
    return OK;
}

error smtp_judgement_fields(const struct smtp_session *s, slice *out_fields)
{
    struct smtp_transaction *t = (struct smtp_transaction *)&s->transaction;
    const struct spam_settings *settings = spam_settings_here();
    slice fields = t->judgement.verdict.fields;
    /* The queue knows junk by this field, so it is there even where nobody wants it shown. */
    bool flag = t->junk && ((settings && settings->header) || smtp_outgoing_is_wanted(t));
    return arena_format(&t->arena, out_fields, "%.*s%s", SLICE_ARG(fields),
                        flag ? SPAM_FLAG_FIELD : "");
}
