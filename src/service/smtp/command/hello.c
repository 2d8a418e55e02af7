/* SPDX-License-Identifier: GPL-3.0-or-later
 * HELO and EHLO (RFC 5321 4.1.1.1): a new beginning, and what is offered.
 */
#include "service/smtp/answer.h"
#include "service/smtp/command.h"

/* One keyword a line; the registry is IANA's "SMTP Service Extensions". */
static error answer_ehlo(struct smtp_session *s)
{
    struct buffer lines;
    buffer_init(&lines, SMTP_REPLY_SIZE_MAX);
    char peer[ADDRESS_TEXT_SIZE + 8];
    slice client = smtp_session_peer(s, peer);
    buffer_format(&lines, "%.*s greets [%.*s]", SLICE_ARG(s->service->hostname), SLICE_ARG(client));
    buffer_add_string(&lines, "\nPIPELINING");
    buffer_format(&lines, "\nSIZE %zu", s->settings->size_max);
    buffer_add_string(&lines, "\n8BITMIME\nBINARYMIME\nCHUNKING\nSMTPUTF8\nDSN");
    if (s->service->tls && !stream_is_tls(s->stream))
        buffer_add_string(&lines, "\nSTARTTLS");
    buffer_format(&lines, "\nLIMITS RCPTMAX=%u MAILMAX=%u", s->settings->recipients_max,
                  s->settings->transactions_max); /* RFC 9422 */
    buffer_add_string(&lines, "\nENHANCEDSTATUSCODES\nHELP");
    error problem = smtp_answer_lines(s, 250, NULL, buffer_slice(&lines));
    buffer_close(&lines);
    return problem;
}

error smtp_command_hello(struct smtp_session *s, const struct smtp_command *command)
{
    smtp_transaction_reset(&s->transaction); /* RFC 5321 4.1.4 */
    s->esmtp = command->verb == SMTP_VERB_EHLO;
    s->helo_size = (uint16_t)command->argument.size; /* at most SMTP_HELO_SIZE_MAX */
    memcpy(s->helo, command->argument.data, command->argument.size);
    if (s->esmtp)
        return answer_ehlo(s);
    return smtp_answer_lines(s, 250, NULL, s->service->hostname);
}
