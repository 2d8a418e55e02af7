/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/proxy.h"

#include "base/metric.h"
#include "format/proxy/header.h"
#include "net/stream_state.h"

#include <stdlib.h>
#include <string.h>

METRIC_COUNTER(metric_accepted, "ringmail_net_proxy_headers_total", "result=\"accepted\"",
               "PROXY protocol headers read");
METRIC_COUNTER(metric_refused, "ringmail_net_proxy_headers_total", "result=\"refused\"",
               "PROXY protocol headers read");

static struct address named(const struct proxy_header *header, const uint8_t ip[16], uint16_t port)
{
    struct address address = {.family = ADDRESS_UNIX};
    if (header->family == PROXY_UNIX)
        return address; /* its path means nothing on this machine */
    address.family = header->family == PROXY_IPV4 ? ADDRESS_IPV4 : ADDRESS_IPV6;
    memcpy(address.ip, ip, sizeof address.ip);
    struct address plain;
    char text[ADDRESS_TEXT_SIZE];
    /* ::ffff:192.0.2.1 is kept as IPv4, like everywhere. */
    if (address.family == ADDRESS_IPV6 &&
        !failed(address_parse_ip(address_format_ip(&address, text), &plain)))
        address = plain;
    address.port = port;
    return address;
}

static error read_header(struct stream *stream, instant deadline, char *text)
{
    struct proxy_header header;
    size_t size = 0, wanted;
    TRY(proxy_header_parse(SLICE_EMPTY, &header, &wanted));
    while (wanted) {
        /* Never past the header: what follows is the session's. */
        TRY(stream_read_exact(stream, text + size, wanted - size, deadline));
        size = wanted;
        TRY(proxy_header_parse(slice_of(text, size), &header, &wanted));
    }
    stream->bytes_read -= size; /* not of the protocol */
    if (header.family == PROXY_NONE)
        return OK;
    stream->proxy = malloc(sizeof *stream->proxy);
    TRY_MEMORY(stream->proxy);
    *stream->proxy = stream->peer;
    stream->peer = named(&header, header.source_ip, header.source_port);
    stream->local = named(&header, header.destination_ip, header.destination_port);
    return OK;
}

error proxy_accept(struct stream *stream, instant deadline)
{
    char *text = malloc(PROXY_HEADER_SIZE_MAX);
    TRY_MEMORY(text);
    error problem = read_header(stream, deadline, text);
    free(text);
    metric_add(failed(problem) ? &metric_refused : &metric_accepted, 1);
    return problem;
}
