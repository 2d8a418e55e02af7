/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "transport/route/transport.h"

#include "base/cursor.h"
#include "format/text/idna.h"

static error bad(const char *why)
{
    return error_make(ERROR_MALFORMED, why);
}

/* ---- One transport ---- */

static error take_port(slice text, uint16_t *out_port)
{
    struct cursor at = cursor_over(text);
    uint64_t port;
    if (!cursor_take_u64(&at, UINT16_MAX, &port) || !cursor_done(&at) || port == 0)
        return bad("a port is a number up to 65535");
    *out_port = (uint16_t)port;
    return OK;
}

/* A name or an IP address. */
static error take_host(slice text, struct arena *arena, struct route_transport *transport)
{
    if (slice_starts_nocase(text, SLICE("ipv6:"))) /* as RFC 5321 and Postfix write it */
        text = slice_from(text, 5);
    if (!failed(address_parse_ip(text, &transport->address)))
        return OK;
    error problem = idna_to_ascii(arena, text, &transport->host);
    return problem.kind == ERROR_MALFORMED ? bad("a transport's host is a name or an address")
                                           : problem;
}

/* "[host]", "[host]:port", "host", "host:port", "" */
static error take_next_hop(slice text, struct arena *arena, struct route_transport *transport)
{
    slice host, rest, port;
    if (text.size == 0)
        return OK;
    if (slice_starts(text, SLICE("["))) {
        if (!slice_cut(slice_from(text, 1), ']', &host, &rest))
            return bad("a bracket is not closed");
        transport->mx = false;
        if (rest.size && !slice_starts(rest, SLICE(":")))
            return bad("a port comes after a colon");
        if (rest.size)
            TRY(take_port(slice_from(rest, 1), &transport->port));
        return take_host(host, arena, transport);
    }
    if (!failed(address_parse_ip(text, &transport->address))) {
        transport->mx = false;
        return OK;
    }
    if (slice_cut(text, ':', &host, &port))
        TRY(take_port(port, &transport->port));
    TRY(take_host(host, arena, transport));
    if (transport->address.family != ADDRESS_NONE)
        transport->mx = false;
    return OK;
}

static error take_lmtp(slice text, struct arena *arena, struct route_transport *transport)
{
    transport->kind = ROUTE_LMTP;
    if (slice_starts(text, SLICE("unix:"))) {
        text = slice_from(text, 5);
        if (!slice_starts(text, SLICE("/")))
            return bad("a Unix socket is an absolute path");
        return address_parse(text, &transport->address);
    }
    if (slice_starts(text, SLICE("/")))
        return address_parse(text, &transport->address);
    if (slice_starts(text, SLICE("inet:")))
        text = slice_from(text, 5);
    TRY(take_next_hop(text, arena, transport));
    if (transport->host.size == 0 && transport->address.family == ADDRESS_NONE)
        return bad("lmtp needs a host or a socket");
    transport->port = transport->port ? transport->port : ROUTE_LMTP_PORT;
    return OK;
}

static bool take_number(struct cursor *at, int *out_number)
{
    uint64_t number;
    if (!cursor_take_u64(at, 999, &number))
        return false;
    *out_number = (int)number;
    return true;
}

/* "5.7.1 text"; the status may be left out. */
static error take_refusal(slice text, enum route_kind kind, struct route_transport *transport)
{
    struct cursor at = cursor_over(text);
    int class = kind == ROUTE_REFUSE ? 5 : 4, status[3];
    transport->kind = kind;
    transport->mx = false;
    transport->code = class == 5 ? 550 : 451;
    transport->enhanced[0] = class;
    if (take_number(&at, &status[0]) && cursor_take_byte(&at, '.') &&
        take_number(&at, &status[1]) && cursor_take_byte(&at, '.') &&
        take_number(&at, &status[2]) && (cursor_done(&at) || cursor_skip_blanks(&at))) {
        if (status[0] != class)
            return bad("error: wants a status 5.x.x, retry: one of 4.x.x");
        memcpy(transport->enhanced, status, sizeof status);
        text = cursor_rest(&at);
    }
    text = slice_trim(text);
    if (text.size == 0)
        text = class == 5 ? SLICE("mail for this domain is not delivered")
                          : SLICE("mail for this domain waits");
    for (size_t i = 0; i < text.size; i++)
        if ((unsigned char)text.data[i] < ' ')
            return bad("a control character in a transport's text");
    transport->text = slice_sub(text, 0, ROUTE_TRANSPORT_TEXT_MAX);
    return OK;
}

error route_transport_parse(slice text, struct arena *arena, struct route_transport *out_transport)
{
    struct route_transport transport = {.kind = ROUTE_SMTP, .mx = true};
    slice name, rest;
    error problem;
    text = slice_trim(text);
    if (slice_starts(text, SLICE("[")) || !slice_cut(text, ':', &name, &rest)) {
        problem = text.size ? take_next_hop(text, arena, &transport) : bad("an empty transport");
    } else if (slice_equal(name, SLICE("smtp")) || slice_equal(name, SLICE("relay"))) {
        problem = take_next_hop(rest, arena, &transport);
    } else if (slice_equal(name, SLICE("smtps"))) {
        transport.implicit_tls = true;
        problem = take_next_hop(rest, arena, &transport);
        transport.port = transport.port ? transport.port : ROUTE_SMTPS_PORT;
    } else if (slice_equal(name, SLICE("lmtp"))) {
        transport.mx = false;
        problem = take_lmtp(rest, arena, &transport);
        transport.mx = false;
    } else if (slice_equal(name, SLICE("local"))) {
        transport.kind = ROUTE_LOCAL;
        transport.mx = false;
        problem = rest.size ? bad("local: takes nothing more") : OK;
    } else if (slice_equal(name, SLICE("error"))) {
        problem = take_refusal(rest, ROUTE_REFUSE, &transport);
    } else if (slice_equal(name, SLICE("retry")) || slice_equal(name, SLICE("defer"))) {
        problem = take_refusal(rest, ROUTE_LATER, &transport);
    } else {
        problem = take_next_hop(text, arena, &transport); /* "relay.example.net:587" */
    }
    TRY(problem);
    *out_transport = transport;
    return OK;
}

bool route_tls_parse(slice text, enum route_tls *out_tls)
{
    static const char *const names[] = {
        [ROUTE_TLS_NONE] = "none",
        [ROUTE_TLS_MAY] = "may",
        [ROUTE_TLS_ENCRYPT] = "encrypt",
        [ROUTE_TLS_VERIFY] = "verify",
    };
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
        if (slice_equal(text, slice_from_string(names[i]))) {
            *out_tls = (enum route_tls)i;
            return true;
        }
    return false;
}

/* ---- Tables ---- */

void route_table_init(struct route_table *table)
{
    map_init(&table->exact);
    map_init(&table->below);
    table->any = NULL;
}

void route_table_close(struct route_table *table)
{
    map_close(&table->exact);
    map_close(&table->below);
}

error route_table_add(struct route_table *table, slice pattern, struct arena *arena, void *value)
{
    slice domain;
    pattern = slice_trim(pattern);
    if (slice_equal(pattern, SLICE("*"))) {
        table->any = value;
        return OK;
    }
    if (slice_starts(pattern, SLICE("*.")))
        pattern = slice_from(pattern, 1);
    bool below = slice_starts(pattern, SLICE("."));
    if (slice_starts(pattern, SLICE("["))) /* an address literal */
        domain = pattern;
    else
        TRY(idna_to_ascii(arena, slice_from(pattern, below), &domain));
    return map_put(below ? &table->below : &table->exact, domain, value);
}

void *route_table_find(const struct route_table *table, slice domain)
{
    void *value = map_get(&table->exact, domain);
    slice label;
    while (!value && slice_cut(domain, '.', &label, &domain))
        value = map_get(&table->below, domain);
    return value;
}
