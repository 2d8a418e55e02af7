/* SPDX-License-Identifier: GPL-3.0-or-later
 * HELO and EHLO (RFC 5321 4.1.1.1): a new beginning, and what is offered.
 */
#include "format/mail/date.h"
#include "service/login/mechanism.h"
#include "service/smtp/answer.h"
#include "service/smtp/command.h"

/* RFC 4954 3; offered only where it would be taken. */
static void add_mechanisms(const struct smtp_session *s, struct buffer *lines)
{
    const struct login_party party = smtp_session_login_party(s);
    buffer_add_string(lines, "\nAUTH");
    for (enum login_mechanism mechanism = 0; mechanism < LOGIN_MECHANISM_COUNT; mechanism++)
        if (login_mechanism_is_offered(mechanism, &party))
            buffer_format(lines, " %s", login_mechanism_name(mechanism));
}

/* RFC 4865 3: the longest time, and until when that is. */
static void add_future_release(struct buffer *lines, int64_t hold_max)
{
    struct mail_date_fields until;
    mail_date_split(time_wall_seconds() + hold_max / TIME_S, 0, &until);
    buffer_format(lines, "\nFUTURERELEASE %lld %04d-%02d-%02dT%02d:%02d:%02dZ",
                  (long long)(hold_max / TIME_S), until.year, until.month, until.day, until.hour,
                  until.minute, until.second);
}

static void add_submission(const struct smtp_session *s, struct buffer *lines)
{
    if (smtp_session_may_login(s))
        add_mechanisms(s, lines);
    if (s->settings->hold_max)
        add_future_release(lines, s->settings->hold_max);
    buffer_add_string(lines, "\nDELIVERBY\nMT-PRIORITY"); /* RFC 2852, 6710 */
}

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
    buffer_add_string(&lines, "\n8BITMIME\nCHUNKING\nSMTPUTF8\nDSN");
    if (smtp_session_is_submission(s)) /* no BINARYMIME: the next server may not know it */
        add_submission(s, &lines);
    else
        buffer_add_string(&lines, "\nBINARYMIME");
    if (stream_is_tls(s->stream))
        buffer_add_string(&lines, "\nREQUIRETLS"); /* RFC 8689 2 */
    else if (s->service->tls)
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
