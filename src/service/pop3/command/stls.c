/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/pop3/command/command.h"
#include "service/pop3/reply.h"

#include <stdlib.h>

/* RFC 2595 4. The answer goes out before the handshake, and what the client sent in clear text
 * behind the command is forgotten: nobody can slip commands in ahead of the encryption. */
error pop3_command_stls(struct pop3_session *s)
{
    if (stream_is_tls(s->stream))
        return error_make(ERROR_MALFORMED, "TLS is already there");
    if (!s->service->tls)
        return error_make(ERROR_MALFORMED, "TLS is not offered");
    pop3_say(s, s->reply);
    s->answered = true;
    TRY(pop3_send(s));
    TRY(pop3_lost(s, stream_flush(s->stream, pop3_deadline(s))));
    stream_drop_input(s->stream);
    free(s->name); /* whoever said it */
    s->name = NULL;
    error problem =
        stream_start_tls_server(s->stream, s->service->tls, SLICE_EMPTY, pop3_deadline(s));
    if (failed(problem))
        s->lost = problem; /* whatever kind: there is no dialogue any more */
    return problem;
}
