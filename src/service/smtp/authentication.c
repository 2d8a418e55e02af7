/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/smtp/authentication.h"

#include "base/metric.h"
#include "format/mail/auth_results.h"
#include "format/mail/header.h"
#include "service/smtp/session.h"

METRIC_COUNTER(forged_total, "ringmail_smtp_forged_results_total", "",
               "Mails with Authentication-Results fields in our name, which were removed");

static struct authentic_question question_of(const struct smtp_session *s)
{
    const struct smtp_transaction *t = &s->transaction;
    slice message = body_slice(&t->body);
    size_t header = mail_header_size(message);
    return (struct authentic_question){
        .peer = *stream_peer(s->stream),
        .helo = smtp_session_helo(s),
        .sender_local = t->mail.sender.local,
        .sender_domain = t->mail.sender.domain_ascii,
        .header = slice_sub(message, 0, header),
        .body = slice_from(message, header),
        .host = s->service->hostname,
        .now = time_wall_seconds(),
        .deadline = time_after(authentic_here()->settings->timeout),
    };
}

static error write_field(const struct authentic *authentic,
                         const struct authentic_question *question, struct arena *arena,
                         struct smtp_authentication *out)
{
    struct buffer field;
    slice name;
    buffer_init(&field, AUTHENTIC_RESULTS_SIZE_MAX);
    error problem = authentic_write(authentic, question, &field);
    if (!failed(problem))
        problem = arena_copy(arena, buffer_slice(&field), &out->field);
    buffer_close(&field);
    slice_cut(out->field, ':', &name, &out->results);
    out->results = slice_trim(out->results);
    return problem;
}

void smtp_authentication_expect(const struct smtp_session *s)
{
    authentic_expect(stream_peer(s->stream), smtp_session_helo(s),
                     s->transaction.mail.sender.domain_ascii);
}

void smtp_authentication_clean(struct smtp_session *s)
{
    struct body *body = &s->transaction.body;
    size_t size = auth_results_clean(body->data, body->size, s->service->hostname);
    metric_add(&forged_total, size < body->size);
    body->size = size;
}

error smtp_authenticate(struct smtp_session *s, struct smtp_authentication *out)
{
    struct smtp_transaction *t = &s->transaction;
    struct smtp_authentication found = {0};
    const struct address *peer = stream_peer(s->stream);
    *out = found;
    if (!authentic_here() || authentic_is_exempt(peer))
        return OK;
    smtp_authentication_clean(s);
    if (!authentic_is_wanted(peer))
        return OK;
    struct authentic *authentic = ARENA_NEW(&t->arena, struct authentic);
    TRY_MEMORY(authentic);
    const struct authentic_question question = question_of(s);
    TRY(authentic_check(&question, &t->arena, authentic));
    TRY(write_field(authentic, &question, &t->arena, &found));
    TRY(authentic_enforce(authentic, &t->arena, &found.action, &found.text));
    found.authentic = authentic;
    *out = found;
    return OK;
}
