/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/smtp/trace.h"

#include "format/mail/received.h"
#include "net/tls.h"

/* RFC 3848; RFC 6531 4.3: S under TLS, A after AUTH. */
static slice protocol_name(const struct smtp_session *s)
{
    static const char *const names[2][2][2] = {
        {{"ESMTP", "ESMTPA"}, {"ESMTPS", "ESMTPSA"}},
        {{"UTF8SMTP", "UTF8SMTPA"}, {"UTF8SMTPS", "UTF8SMTPSA"}},
    };
    bool utf8 = s->transaction.mail.utf8;
    if (!s->esmtp)
        return SLICE("SMTP");
    return slice_from_string(names[utf8][stream_is_tls(s->stream)][s->account.data != NULL]);
}

error smtp_trace_make(struct smtp_session *s, slice id, slice *out_trace)
{
    struct smtp_transaction *t = &s->transaction;
    bool submission = smtp_session_is_submission(s);
    char peer[ADDRESS_TEXT_SIZE + 8];
    struct tls_information tls;
    struct mail_received received = {
        .by = s->service->hostname,
        .with = protocol_name(s),
        .id = id,
        .recipient = t->recipient_count == 1 ? t->recipients->address : SLICE_EMPTY,
        .user = submission && s->settings->trace_user ? s->account : SLICE_EMPTY,
        .time_seconds = time_wall_seconds(),
    };
    if (!submission || s->settings->trace_client) {
        received.helo = smtp_session_helo(s);
        received.client_address = smtp_session_peer(s, peer);
    }
    if (stream_tls_information(s->stream, &tls))
        TRY(arena_format(&t->arena, &received.tls, "%s with cipher %s, %u bits", tls.protocol,
                         tls.cipher, tls.bits));
    struct buffer trace;
    buffer_init(&trace, SMTP_TRACE_SIZE_MAX);
    mail_received_write(&trace, &received);
    error problem = buffer_check(&trace);
    if (!failed(problem))
        problem = arena_copy(&t->arena, buffer_slice(&trace), out_trace);
    buffer_close(&trace);
    return problem;
}
