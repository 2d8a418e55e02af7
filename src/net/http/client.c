/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/http/client.h"

#include "base/buffer.h"
#include "base/metric.h"
#include "format/http/answer.h"
#include "net/dial.h"
#include "net/dns/addresses.h"
#include "net/stream.h"

METRIC_COUNTER(metric_asked, "ringmail_http_client_requests_total", "",
               "Requests made of other HTTP servers");
METRIC_COUNTER(metric_failed, "ringmail_http_client_failures_total", "",
               "Requests that brought no whole answer");

enum {
    ADDRESSES_TRIED = 4,   /* of the host's */
    CONNECT_TIMEOUT_S = 10 /* of each but the last */
};

struct exchange {
    const struct http_client_request *request;
    struct http_url url;
    struct arena *arena;
    struct stream *stream;
    size_t head_left; /* bytes that the answer's head may still have */
    struct http_answer answer;
    struct buffer body;
};

/* ---- Out ---- */

static error connect_to(const struct http_client_request *request, const struct address *address,
                        bool last, struct stream **out_stream)
{
    instant soon = time_after(CONNECT_TIMEOUT_S * TIME_S);
    return dial(address, NULL, last || request->deadline < soon ? request->deadline : soon,
                out_stream);
}

static unsigned keep_public(struct address *items, unsigned count)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < count; i++)
        if (address_is_public(&items[i]))
            items[kept++] = items[i];
    return kept;
}

static error connect_anywhere(struct exchange *e)
{
    const struct http_client_request *request = e->request;
    struct dns_addresses found;
    if (request->address.family != ADDRESS_NONE)
        return dial(&request->address, NULL, request->deadline, &e->stream);
    TRY(dns_addresses_find(e->url.host, e->url.port, e->arena, request->deadline, &found));
    if (request->public_only)
        found.count = keep_public(found.items, found.count);
    error problem = error_make(ERROR_NOT_FOUND, "the host has no address to be used");
    unsigned count = found.count < ADDRESSES_TRIED ? found.count : ADDRESSES_TRIED;
    for (unsigned i = 0; i < count; i++) {
        problem = connect_to(request, &found.items[i], i + 1 == count, &e->stream);
        if (!failed(problem) || problem.kind == ERROR_CANCELLED)
            break;
    }
    return problem;
}

static bool is_default_port(const struct http_url *url)
{
    return url->port == (url->https ? 443 : 80);
}

static bool has_control(slice text)
{
    for (size_t i = 0; i < text.size; i++)
        if ((unsigned char)text.data[i] < ' ' || text.data[i] == 0x7f)
            return true;
    return false;
}

static void add_field(struct buffer *head, slice name, slice value)
{
    buffer_add(head, name);
    buffer_add(head, SLICE(": "));
    buffer_add(head, value);
    buffer_add(head, SLICE("\r\n"));
}

/* One answer, then the connection ends: nothing is kept for later. */
static error send_request(struct exchange *e)
{
    const struct http_client_request *request = e->request;
    const struct http_url *url = &e->url;
    struct buffer head;
    buffer_init(&head, HTTP_CLIENT_HEAD_SIZE_MAX);
    buffer_format(&head, "%s %.*s HTTP/1.1\r\nHost: ", request->method, SLICE_ARG(url->target));
    buffer_format(&head, url->is_ipv6 ? "[%.*s]" : "%.*s", SLICE_ARG(url->host));
    if (!is_default_port(url))
        buffer_format(&head, ":%u", url->port);
    buffer_add(&head, SLICE("\r\nConnection: close\r\nUser-Agent: Ringmail\r\n"));
    if (request->content_type.size)
        add_field(&head, SLICE("Content-Type"), request->content_type);
    if (request->body.size || request->content_type.size)
        buffer_format(&head, "Content-Length: %zu\r\n", request->body.size);
    for (unsigned i = 0; i < request->field_count; i++)
        add_field(&head, request->fields[i].name, request->fields[i].value);
    buffer_add(&head, SLICE("\r\n"));
    error problem = buffer_check(&head);
    if (!failed(problem))
        problem = stream_write(e->stream, buffer_slice(&head));
    buffer_close(&head);
    TRY(problem);
    return stream_send(e->stream, request->body, request->deadline);
}

/* ---- In ---- */

static error malformed(error problem)
{
    return problem.kind == ERROR_PERMANENT ? error_make(ERROR_MALFORMED, problem.text) : problem;
}

static error read_line(struct exchange *e, slice *out_line)
{
    TRY(stream_read_line(e->stream, STREAM_LINE_TOLERANT, e->head_left, e->request->deadline,
                         out_line));
    if (out_line->size + 2 > e->head_left)
        return error_make(ERROR_LIMIT, "the head of an HTTP answer is too large");
    e->head_left -= out_line->size + 2;
    return OK;
}

static error read_head(struct exchange *e)
{
    slice line;
    for (unsigned interim = 0; interim <= HTTP_CLIENT_INTERIM_MAX; interim++) {
        TRY(read_line(e, &line));
        TRY(http_answer_line_parse(line, &e->answer));
        for (;;) {
            TRY(read_line(e, &line));
            if (line.size == 0)
                break;
            slice before = e->answer.content_type;
            TRY(malformed(http_answer_field_parse(line, &e->answer)));
            if (e->answer.content_type.data != before.data) /* the line goes with the next one */
                TRY(arena_copy(e->arena, e->answer.content_type, &e->answer.content_type));
        }
        if (e->answer.status >= 200)
            return OK;
    }
    return error_make(ERROR_MALFORMED, "an HTTP server that only promises");
}

static error read_size(struct exchange *e, uint64_t size)
{
    if (size > e->request->size_max - e->body.size)
        return error_make(ERROR_LIMIT, "an HTTP answer that is too large");
    if (size == 0)
        return OK;
    char *room = buffer_reserve(&e->body, size);
    TRY_MEMORY(room);
    TRY(stream_read_exact(e->stream, room, size, e->request->deadline));
    buffer_commit(&e->body, size);
    return OK;
}

static error read_chunks(struct exchange *e)
{
    slice line;
    for (;;) {
        uint64_t size;
        TRY(stream_read_line(e->stream, STREAM_LINE_TOLERANT, HTTP_CHUNK_LINE_SIZE_MAX,
                             e->request->deadline, &line));
        TRY(http_chunk_size_parse(line, &size));
        if (size == 0)
            break;
        TRY(read_size(e, size));
        TRY(stream_read_line(e->stream, STREAM_LINE_TOLERANT, 2, e->request->deadline, &line));
        if (line.size)
            return error_make(ERROR_MALFORMED, "a chunk that does not end where it says");
    }
    do
        TRY(read_line(e, &line)); /* trailers, RFC 9112 7.1.2 */
    while (line.size);
    return OK;
}

/* RFC 9112 6.3: to the end of the connection. Under TLS an end without close_notify may be an
 * attacker's (RFC 9112 9.8): such an answer is not whole. */
static error read_to_end(struct exchange *e)
{
    for (;;) {
        slice data;
        error problem = stream_read_some(e->stream, 16 << 10, e->request->deadline, &data);
        if (problem.kind == ERROR_CLOSED)
            return stream_is_finished(e->stream) && problem.os == 0 /* not reset */
                       ? OK
                       : error_make(ERROR_CLOSED, "an HTTP answer that was cut short");
        TRY(problem);
        if (data.size > e->request->size_max - e->body.size)
            return error_make(ERROR_LIMIT, "an HTTP answer that is too large");
        buffer_add(&e->body, data);
        TRY(buffer_check(&e->body));
    }
}

static error read_body(struct exchange *e)
{
    switch (http_answer_framing(&e->answer, strcmp(e->request->method, "HEAD") == 0)) {
    case HTTP_BODY_NONE:
        return OK;
    case HTTP_BODY_LENGTH:
        return read_size(e, e->answer.length);
    case HTTP_BODY_CHUNKED:
        return read_chunks(e);
    default:
        return read_to_end(e);
    }
}

static error converse(struct exchange *e)
{
    TRY(connect_anywhere(e));
    if (e->url.https)
        TRY(stream_start_tls_client(e->stream, e->request->tls, e->url.host, SLICE("http/1.1"),
                                    e->request->deadline));
    TRY(send_request(e));
    TRY(read_head(e));
    return read_body(e);
}

static error check_request(const struct http_client_request *request, struct http_url *out_url)
{
    bool wrong = request->url.size > HTTP_CLIENT_URL_SIZE_MAX ||
                 failed(http_url_parse(request->url, out_url)) ||
                 request->field_count > HTTP_CLIENT_FIELDS_MAX ||
                 has_control(request->content_type) || (out_url->https && !request->tls);
    for (unsigned i = 0; !wrong && i < request->field_count; i++)
        wrong = has_control(request->fields[i].name) || has_control(request->fields[i].value);
    return wrong ? error_make(ERROR_PERMANENT, "a request that cannot be made") : OK;
}

error http_client_ask(const struct http_client_request *request, struct arena *arena,
                      struct http_client_answer *out_answer)
{
    struct exchange e = {
        .request = request, .arena = arena, .head_left = HTTP_CLIENT_HEAD_SIZE_MAX};
    struct http_client_answer answer;
    TRY(check_request(request, &e.url));
    metric_add(&metric_asked, 1);
    buffer_init(&e.body, request->size_max);
    error problem = converse(&e);
    if (failed(problem))
        stream_abort(&e.stream);
    else
        stream_close(&e.stream);
    answer.status = e.answer.status;
    answer.content_type = e.answer.content_type;
    if (!failed(problem))
        problem = arena_copy(arena, buffer_slice(&e.body), &answer.body);
    buffer_close(&e.body);
    if (failed(problem)) {
        metric_add(&metric_failed, 1);
        return problem;
    }
    *out_answer = answer;
    return OK;
}
