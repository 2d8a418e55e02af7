/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/http/converse.h"

#include "base/buffer.h"
#include "format/http/answer.h"
#include "net/stream.h"

struct exchange {
    const struct http_client_request *request;
    const struct http_url *url;
    struct arena *arena;
    struct stream *stream;
    bool keep;
    size_t head_left; /* bytes that the answer's head may still have */
    struct http_answer answer;
    struct buffer body;
};

/* ---- Out ---- */

static bool is_default_port(const struct http_url *url)
{
    return url->port == (url->https ? 443 : 80);
}

static void add_field(struct buffer *head, slice name, slice value)
{
    buffer_add(head, name);
    buffer_add(head, SLICE(": "));
    buffer_add(head, value);
    buffer_add(head, SLICE("\r\n"));
}

static error send_request(struct exchange *e)
{
    const struct http_client_request *request = e->request;
    const struct http_url *url = e->url;
    struct buffer head;
    buffer_init(&head, HTTP_CLIENT_HEAD_SIZE_MAX);
    buffer_format(&head, "%s %.*s HTTP/1.1\r\nHost: ", request->method, SLICE_ARG(url->target));
    buffer_format(&head, url->is_ipv6 ? "[%.*s]" : "%.*s", SLICE_ARG(url->host));
    if (!is_default_port(url))
        buffer_format(&head, ":%u", url->port);
    buffer_format(&head, "\r\nConnection: %s\r\nUser-Agent: Ringmail\r\n",
                  e->keep ? "keep-alive" : "close");
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

static bool is_head(const struct exchange *e)
{
    return strcmp(e->request->method, "HEAD") == 0;
}

static error read_body(struct exchange *e)
{
    switch (http_answer_framing(&e->answer, is_head(e))) {
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

/* ---- Both ---- */

/* RFC 9112 9.3: may another request follow on this connection? */
static bool may_go_on(const struct exchange *e, enum http_framing framing)
{
    return e->keep && !e->answer.close && framing != HTTP_BODY_TO_END &&
           !stream_has_input(e->stream);
}

static error exchange(struct exchange *e, bool *out_kept)
{
    TRY(send_request(e));
    TRY(read_head(e));
    error problem = read_body(e);
    if (problem.kind == ERROR_LIMIT && e->request->status_counts)
        return OK; /* in the middle of it: no other request can follow */
    TRY(problem);
    *out_kept = may_go_on(e, http_answer_framing(&e->answer, is_head(e)));
    return OK;
}

error http_converse(const struct http_conversation *conversation, struct arena *arena,
                    struct http_client_answer *out_answer, bool *out_kept)
{
    struct exchange e = {
        .request = conversation->request,
        .url = conversation->url,
        .stream = conversation->stream,
        .keep = conversation->keep,
        .arena = arena,
        .head_left = HTTP_CLIENT_HEAD_SIZE_MAX,
    };
    struct http_client_answer answer;
    bool kept = false;
    buffer_init(&e.body, conversation->request->size_max);
    error problem = exchange(&e, &kept);
    answer.status = e.answer.status;
    answer.content_type = e.answer.content_type;
    if (!failed(problem))
        problem = arena_copy(arena, buffer_slice(&e.body), &answer.body);
    buffer_close(&e.body);
    TRY(problem);
    *out_answer = answer;
    *out_kept = kept;
    return OK;
}
