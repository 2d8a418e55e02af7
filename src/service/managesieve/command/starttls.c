/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/managesieve/command/command.h"
#include "service/managesieve/reply.h"

/* RFC 5804 2.2. The answer goes out before the handshake, and what the client sent in clear text
 * behind the command is forgotten: nobody can slip commands in ahead of the encryption. */
error managesieve_command_starttls(struct managesieve_session *s)
{
    if (stream_is_tls(s->stream))
        return error_make(ERROR_MALFORMED, "TLS is already there");
    if (!s->service->tls)
        return error_make(ERROR_MALFORMED, "TLS is not offered");
    managesieve_say(s, s->response);
    TRY(managesieve_send(s));
    TRY(managesieve_lost(s, stream_flush(s->stream, managesieve_deadline(s))));
    stream_drop_input(s->stream);
    error problem =
        stream_start_tls_server(s->stream, s->service->tls, SLICE_EMPTY, managesieve_deadline(s));
    if (failed(problem)) {
        s->lost = problem; /* whatever kind: there is no dialogue any more */
        return problem;
    }
    /* RFC 5804 2.2: the capabilities follow unasked; the answer ends them */
    managesieve_write_capabilities(s);
    s->response.text = SLICE("TLS is there");
    return OK;
}
