/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "transport/deliver/remote_state.h"

#include <stdlib.h>

slice remote_host(const struct remote *remote)
{
    return remote->host;
}

slice remote_tls(const struct remote *remote)
{
    return remote->tls;
}

unsigned remote_mails(const struct remote *remote)
{
    return remote->mails;
}

bool remote_is_used_up(const struct remote *remote)
{
    return remote->offer.mails_max && remote->mails >= remote->offer.mails_max;
}

bool remote_is_alive(const struct remote *remote)
{
    if (remote->broken || remote_is_used_up(remote))
        return false;
    /* What it says now is not a reply to anything: 421, as a rule. */
    return !stream_has_input(remote->stream) && !stream_peer_is_gone(remote->stream);
}

void remote_say_quit(struct remote *remote)
{
    /* RFC 5321 4.1.1.10: the reply is waited for; whether it comes changes nothing any more. */
    error problem = stream_write(remote->stream, SLICE("QUIT\r\n"));
    if (!failed(problem))
        problem = remote_read_reply(remote, remote->settings->quit_timeout);
    error_ignore(problem);
}

void remote_close(struct remote **remote)
{
    struct remote *r = *remote;
    if (!r)
        return;
    *remote = NULL;
    if (r->stream && !r->broken)
        remote_say_quit(r);
    stream_close(&r->stream);
    smtp_response_close(&r->response);
    buffer_close(&r->line);
    arena_close(&r->arena);
    free(r);
}
