/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "load/client.h"

#include "load/run.h"
#include "net/dial.h"
#include "net/tls.h"

#include <stdio.h>

const struct load_driver *load_driver_of(enum load_protocol protocol)
{
    switch (protocol) {
    case LOAD_IMAP:
        return &load_imap_driver;
    case LOAD_POP3:
        return &load_pop3_driver;
    default:
        return &load_smtp_driver;
    }
}

instant load_client_deadline(void)
{
    return time_after(LOAD_COMMAND_TIMEOUT_S * TIME_S);
}

/* Spread evenly: connection n uses TLS when the share's running total passes a whole number. */
bool load_client_uses_tls(const struct load_client *client)
{
    if (client->flow->tls == LOAD_TLS_NONE)
        return false;
    double share = client->flow->tls_share;
    return (uint64_t)((double)(client->number + 1) * share) >
           (uint64_t)((double)client->number * share);
}

instant load_client_phase(struct load_client *client, const char *label, instant begin)
{
    instant now = time_now();
    load_phase_add(client->tally, &client->run->window, label, begin, now);
    return now;
}

error load_client_connect(struct load_client *client)
{
    const struct load_flow *flow = client->flow;
    struct address to;
    char text[ADDRESS_TEXT_SIZE];
    if (flow->host[0] == '/')
        snprintf(text, sizeof text, "unix:%s", flow->host);
    else
        snprintf(text, sizeof text, strchr(flow->host, ':') ? "[%s]:%u" : "%s:%u", flow->host,
                 flow->port);
    TRY(address_parse(slice_from_string(text), &to));
    instant begin = time_now();
    TRY(dial(&to, NULL, load_client_deadline(), &client->stream));
    load_client_phase(client, "connect", begin);
    atomic_store_explicit(&client->tally->connections,
                          atomic_load_explicit(&client->tally->connections, memory_order_relaxed) +
                              1,
                          memory_order_relaxed);
    if (flow->tls == LOAD_TLS_IMPLICIT && load_client_uses_tls(client))
        TRY(load_client_start_tls(client));
    return OK;
}

error load_client_start_tls(struct load_client *client)
{
    instant begin = time_now();
    TRY(stream_start_tls_client(client->stream, client->run->tls, SLICE("localhost"), SLICE_EMPTY,
                                load_client_deadline()));
    load_client_phase(client, "tls", begin);
    return OK;
}

void load_client_disconnect(struct load_client *client, bool abort)
{
    if (!client->stream)
        return;
    if (abort)
        stream_abort(&client->stream);
    else
        stream_close(&client->stream);
}

error load_client_refused(struct load_client *client, slice reply)
{
    /* Only what is the same for all of its kind: the code and the first words, no digits of ids
     * after them. */
    size_t size = reply.size < 40 ? reply.size : 40;
    memcpy(client->failure, reply.data, size);
    client->failure[size] = '\0';
    return error_make(ERROR_PERMANENT, "refused by the server");
}

slice load_client_user(const struct load_client *client, char room[128])
{
    return load_flow_login(client->flow, client->number, room, 128);
}
