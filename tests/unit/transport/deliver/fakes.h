#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A world without a network for the SMTP client: its fuzz target and its benchmark. A stream gives
 * what a server is to say and keeps what the client said. Include in one file of a program: the
 * linker then takes these functions instead of the library's.
 *
 * What the server says is cut into packets by the byte 0xfe: the client sees what follows only when
 * it waits.
 */
#include "base/buffer.h"
#include "net/dial.h"
#include "net/stream.h"
#include "net/tls.h"
#include "runtime/worker.h"
#include "transport/deliver/remote.h"
#include "transport/route/tls_report.h"
#include "transport/route/tlsa.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { FAKE_PACKET_END = 0xfe, FAKE_DIALS_MAX = 6, FAKE_DIALLED_MAX = 32, FAKE_LINE_ROOM = 8192 };

struct stream {
    bool waited; /* only then is there input */
    bool tls, closed;
    struct address peer;
};

static struct fake_world {
    slice input; /* of all connections, one after the other */
    size_t at;
    struct buffer said;        /* by the client, on this connection */
    bool keep;                 /* what was said */
    size_t transaction;        /* where in `said` the last MAIL began */
    struct address *addresses; /* of every host; NULL: two of them */
    unsigned address_count;
    struct address dialled[FAKE_DIALLED_MAX];
    struct address source; /* of the last one dialled */
    unsigned dials;
    unsigned positive;    /* replies 2xx read after a whole message was said */
    bool tls_fails, dane; /* what becomes of TLS; records for the host */
    char line[FAKE_LINE_ROOM];
} world;

/* ---- Has the server got a whole message, so that a 2xx means something? ---- */

static bool message_is_whole(void)
{
    slice said = slice_from(buffer_slice(&world.said), world.transaction);
    ptrdiff_t at = slice_find(said, SLICE("\r\nBDAT "));
    if (at < 0) {
        at = slice_find(said, SLICE("\r\nDATA\r\n"));
        return at >= 0 && slice_find(slice_from(said, (size_t)at + 6), SLICE("\r\n.\r\n")) >= 0;
    }
    slice rest = slice_from(said, (size_t)at + 7);
    size_t size = strtoul(rest.data, NULL, 10);
    ptrdiff_t end = slice_find(rest, SLICE("\r\n"));
    return end >= 0 && rest.size - (size_t)end - 2 >= size;
}

static void note_said(slice data)
{
    if (!world.keep)
        return;
    if (slice_starts(data, SLICE("MAIL FROM:")))
        world.transaction = world.said.size;
    buffer_add(&world.said, data);
}

/* ---- stream ---- */

static void packet_open(void)
{
    while (world.at < world.input.size &&
           (unsigned char)world.input.data[world.at] == FAKE_PACKET_END)
        world.at++;
}

bool stream_has_input(const struct stream *s)
{
    return s->waited && world.at < world.input.size &&
           (unsigned char)world.input.data[world.at] != FAKE_PACKET_END;
}

error stream_read_line(struct stream *s, enum stream_line_end end, size_t size_max,
                       instant deadline, slice *out_line)
{
    (void)end;
    (void)deadline;
    size_t size = 0;
    if (s->closed)
        return error_make(ERROR_CLOSED, "closed");
    s->waited = true;
    for (;;) {
        packet_open();
        if (world.at == world.input.size)
            return error_make(ERROR_CLOSED, "end of input");
        char byte = world.input.data[world.at++];
        if (byte == '\n')
            break;
        if (size < sizeof world.line)
            world.line[size] = byte;
        size++;
    }
    if (size && size <= sizeof world.line && world.line[size - 1] == '\r')
        size--;
    if (size > size_max)
        return error_make(ERROR_LIMIT, "line too long");
    *out_line = slice_of(world.line, size);
    if (world.keep && size && world.line[0] == '2' && (size == 3 || world.line[3] == ' '))
        world.positive += message_is_whole();
    return OK;
}

error stream_write(struct stream *s, slice data)
{
    note_said(data);
    return s->closed ? error_make(ERROR_CLOSED, "closed") : OK;
}

error stream_writev(struct stream *s, const slice *parts, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        TRY(stream_write(s, parts[i]));
    return OK;
}

error stream_format(struct stream *s, const char *format, ...)
{
    char text[256];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return stream_write(s, slice_of(text, (size_t)size));
}

error stream_send(struct stream *s, slice data, instant deadline)
{
    (void)deadline;
    return stream_write(s, data);
}

error stream_flush(struct stream *s, instant deadline)
{
    (void)s;
    (void)deadline;
    return OK;
}

void stream_drop_output(struct stream *s)
{
    (void)s;
}

size_t stream_drop_input(struct stream *s)
{
    size_t before = world.at;
    while (stream_has_input(s))
        world.at++;
    return world.at - before;
}

bool stream_is_tls(const struct stream *s)
{
    return s->tls;
}

bool stream_tls_information(const struct stream *s, struct tls_information *out)
{
    if (s->tls)
        *out = (struct tls_information){.protocol = "TLSv1.3", .cipher = "X", .bits = 128};
    return s->tls;
}

const struct address *stream_peer(const struct stream *s)
{
    return &s->peer;
}

const struct address *stream_local(const struct stream *s)
{
    return &s->peer;
}

bool stream_peer_is_gone(const struct stream *s)
{
    return s->closed;
}

void stream_set_timeouts(struct stream *s, int64_t read_ns, int64_t write_ns)
{
    (void)s;
    (void)read_ns;
    (void)write_ns;
}

void stream_close(struct stream **s)
{
    free(*s);
    *s = NULL;
}

error dial(const struct address *to, const struct dial_options *options, instant deadline,
           struct stream **out_stream)
{
    (void)deadline;
    world.source = options->source;
    if (world.dials < FAKE_DIALLED_MAX)
        world.dialled[world.dials] = *to;
    if (++world.dials > FAKE_DIALS_MAX || world.input.size == 0)
        return error_make(ERROR_TIMEOUT, "nobody answers");
    struct stream *s = calloc(1, sizeof *s);
    TRY_MEMORY(s);
    s->peer = *to;
    buffer_reset(&world.said);
    world.transaction = 0;
    *out_stream = s;
    return OK;
}

/* ---- TLS and routes ---- */

error worker_run(enum worker_lane lane, error (*function)(void *argument), void *argument)
{
    (void)lane;
    return function(argument);
}

error tls_client_create(const struct tls_client_options *options, struct tls_client **out_client)
{
    static char nothing;
    (void)options;
    *out_client = (struct tls_client *)&nothing;
    return OK;
}

void tls_client_destroy(struct tls_client **client)
{
    *client = NULL;
}

error stream_start_tls_peer(struct stream *s, struct tls_client *client,
                            const struct tls_peer_options *options, instant deadline,
                            enum tls_verdict *out_verdict)
{
    (void)client;
    (void)deadline;
    bool checked = options->proof != TLS_PROOF_NONE;
    *out_verdict = TLS_VERDICT_UNCHECKED;
    if (stream_has_input(s) || s->tls)
        abort(); /* clear text was kept */
    if (world.tls_fails) {
        s->closed = true;
        *out_verdict = checked ? TLS_VERDICT_WRONG_NAME : TLS_VERDICT_UNCHECKED;
        return error_make(checked ? ERROR_DENIED : ERROR_MALFORMED, "TLS fails");
    }
    if (checked)
        *out_verdict = TLS_VERDICT_GOOD;
    s->tls = true;
    s->waited = false;
    return OK;
}

bool tls_dane_is_usable(const struct dns_record *record)
{
    (void)record;
    return true;
}

error route_tlsa_find(const struct route_host *host, struct arena *arena, instant deadline,
                      struct route_tlsa *out_tlsa)
{
    static const struct dns_record record = {.tlsa = {3, 1, 1, {"x", 1}}};
    (void)arena;
    (void)deadline;
    *out_tlsa = (struct route_tlsa){.state = ROUTE_TLSA_NONE};
    if (world.dane)
        *out_tlsa = (struct route_tlsa){ROUTE_TLSA_SECURE, host->name, &record, 1};
    return OK;
}

error route_addresses(const struct route *route, const struct route_host *host, struct arena *arena,
                      instant deadline, struct address **out_addresses, unsigned *out_count)
{
    static struct address addresses[2] = {
        {.family = ADDRESS_IPV4, .ip = {192, 0, 2, 1}, .port = 25},
        {.family = ADDRESS_IPV6, .ip = {0x20, 1, 0xd, 0xb8}, .port = 25},
    };
    (void)route;
    (void)host;
    (void)arena;
    (void)deadline;
    *out_addresses = world.addresses ? world.addresses : addresses;
    *out_count = world.addresses ? world.address_count : 2;
    return OK;
}

void tls_report_note(const struct tls_report_session *session)
{
    (void)session;
}
