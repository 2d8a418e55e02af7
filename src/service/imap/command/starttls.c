/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/imap/token.h"
#include "service/imap/command/command.h"
#include "service/imap/reply.h"

/* RFC 3501 6.2.1. The answer goes out before the handshake, and what the client sent in clear text
 * behind the command is forgotten: nobody can slip commands in ahead of the encryption. */
error imap_command_starttls(struct imap_session *s)
{
    TRY(imap_take_end(&s->command.arguments));
    if (stream_is_tls(s->stream))
        return error_make(ERROR_MALFORMED, "TLS is already there");
    if (!s->service->tls)
        return error_make(ERROR_MALFORMED, "TLS is not offered");
    imap_say(s, s->command.tag,
             (struct imap_response){.kind = IMAP_OK, .text = SLICE("begin TLS now")});
    TRY(imap_send(s));
    TRY(imap_lost(s, stream_flush(s->stream, imap_deadline(s))));
    stream_drop_input(s->stream);
    error problem =
        stream_start_tls_server(s->stream, s->service->tls, SLICE_EMPTY, imap_deadline(s));
    if (failed(problem))
        s->lost = problem; /* whatever kind: there is no dialogue any more */
    s->answered = true;
    return problem;
}
