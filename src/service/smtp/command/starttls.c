/* SPDX-License-Identifier: GPL-3.0-or-later
 * STARTTLS (RFC 3207). Afterwards nothing said in clear text counts, neither what was sent before
 * (4.2) nor what was sent ahead: that was put there by somebody in between.
 */
#include "base/metric.h"
#include "service/smtp/answer.h"
#include "service/smtp/command.h"

METRIC_COUNTER(injected_total, "ringmail_smtp_starttls_dropped_bytes_total", "",
               "Plaintext sent ahead of a TLS handshake and dropped");

error smtp_command_starttls(struct smtp_session *s, const struct smtp_command *command)
{
    (void)command;
    if (stream_is_tls(s->stream))
        return smtp_answer(s, SMTP_REPLY_ALREADY_TLS);
    if (!s->service->tls)
        return smtp_answer(s, SMTP_REPLY_NOT_IMPLEMENTED);
    metric_add(&injected_total, (int64_t)stream_drop_input(s->stream));
    TRY(smtp_answer(s, SMTP_REPLY_READY_FOR_TLS));
    instant deadline = time_after(s->settings->tls_timeout);
    TRY(stream_flush(s->stream, deadline));
    metric_add(&injected_total, (int64_t)stream_drop_input(s->stream));
    s->base.state = "tls";
    smtp_transaction_reset(&s->transaction);
    s->helo_size = 0;
    s->esmtp = false;
    s->account = SLICE_EMPTY;
    error problem = stream_start_tls_server(s->stream, s->service->tls, SLICE_EMPTY, deadline);
    if (failed(problem))
        s->end = "TLS handshake failed";
    return problem;
}
