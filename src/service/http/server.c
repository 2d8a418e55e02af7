/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/http/server.h"

#include "format/http/response.h"
#include "net/stream.h"
#include "service/session.h"

struct connection {
    struct session session;
    const struct http_server_options *options;
    struct stream *stream;
    struct arena arena; /* of one request */
    struct buffer answer;
};

static error read_head(struct connection *c, instant deadline, struct http_request *out_request)
{
    slice line, copy;
    size_t size = 0;
    TRY(stream_read_line(c->stream, STREAM_LINE_STRICT, HTTP_LINE_SIZE_MAX, deadline, &line));
    TRY(arena_copy(&c->arena, line, &copy));
    TRY(http_request_line_parse(copy, out_request));
    for (;;) {
        TRY(stream_read_line(c->stream, STREAM_LINE_STRICT, HTTP_LINE_SIZE_MAX, deadline, &line));
        if (line.size == 0)
            return http_request_check(out_request);
        size += line.size;
        if (size > c->options->limits.head_size_max)
            return error_make(ERROR_LIMIT, "the head is too large");
        TRY(arena_copy(&c->arena, line, &copy));
        TRY(http_request_field_parse(copy, out_request));
    }
}

static error read_body(struct connection *c, instant deadline, struct http_exchange *exchange)
{
    const struct http_request *request = &exchange->request;
    if (request->chunked)
        return error_make(ERROR_PERMANENT, "chunked requests are not taken here");
    if (request->length > c->options->limits.body_size_max)
        return error_make(ERROR_LIMIT, "the body is too large");
    if (request->length == 0)
        return OK;
    if (request->expect_continue)
        TRY(stream_write(c->stream, SLICE("HTTP/1.1 100 Continue\r\n\r\n")));
    char *body = arena_alloc_bytes(&c->arena, request->length);
    TRY_MEMORY(body);
    TRY(stream_read_exact(c->stream, body, request->length, deadline));
    exchange->body = slice_of(body, request->length);
    return OK;
}

static error write_answer(struct connection *c, const struct http_exchange *exchange, bool close)
{
    instant deadline = time_after(c->options->limits.request_timeout);
    struct buffer head;
    buffer_init(&head, HTTP_LINE_SIZE_MAX);
    http_response_write(
        &(struct http_response){
            .status = exchange->status,
            .content_type = exchange->answer->size ? exchange->content_type : NULL,
            .length = exchange->answer->size,
            .close = close,
            .private = exchange->private,
            .fields = exchange->fields,
        },
        time_wall_seconds(), &head);
    error problem = buffer_check(&head);
    if (!failed(problem))
        problem = stream_write(c->stream, buffer_slice(&head));
    buffer_close(&head);
    TRY(problem);
    if (exchange->request.method != HTTP_HEAD) /* RFC 9110 9.3.2 */
        TRY(stream_send(c->stream, buffer_slice(exchange->answer), deadline));
    return stream_flush(c->stream, deadline);
}

static unsigned status_of(error problem)
{
    switch (problem.kind) {
    case ERROR_LIMIT:
        return 413;
    case ERROR_PERMANENT:
        return 501;
    case ERROR_TIMEOUT:
        return 408;
    default:
        return 400;
    }
}

void http_exchange_fail(struct http_exchange *exchange, error problem)
{
    buffer_reset(exchange->answer);
    buffer_format(exchange->answer, "%s: %s\n", error_kind_name(problem.kind), problem.text);
    exchange->content_type = "text/plain";
    exchange->fields = NULL;
    exchange->private = true;
    exchange->status = problem.kind == ERROR_TEMPORARY || problem.kind == ERROR_BUSY ? 503 : 500;
}

/* One request; *out_more tells whether another may follow. */
static error serve_one(struct connection *c, bool *out_more)
{
    arena_reset(&c->arena);
    buffer_reset(&c->answer);
    struct http_exchange exchange = {
        .arena = &c->arena,
        .stream = c->stream,
        .argument = c->options->argument,
        .began = time_now(),
        .answer = &c->answer,
        .status = 200,
        .private = c->options->private,
    };
    instant deadline = time_after(c->options->limits.request_timeout);
    c->session.state = "request";
    c->session.commands++;
    error problem = read_head(c, deadline, &exchange.request);
    if (!failed(problem))
        problem = read_body(c, deadline, &exchange);
    if (problem.kind == ERROR_CLOSED || problem.kind == ERROR_CANCELLED ||
        problem.kind == ERROR_SYSTEM)
        return problem;
    bool more = !failed(problem) && exchange.request.keep_alive && !session_must_end() &&
                c->session.commands < c->options->limits.requests_max; /* RFC 9112 9.6: said */
    if (failed(problem)) {
        exchange.status = status_of(problem);
        exchange.content_type = "text/plain";
        buffer_format(&c->answer, "%s\n", problem.text);
    } else {
        c->options->handle(&exchange);
        problem = buffer_check(&c->answer);
        if (failed(problem))
            http_exchange_fail(&exchange, problem);
    }
    more = more && !exchange.streamed;
    if (!exchange.streamed)
        problem = write_answer(c, &exchange, !more);
    c->options->done(&exchange);
    *out_more = more && !failed(problem);
    return problem;
}

static error run(struct connection *c)
{
    for (bool more = true; more;) {
        c->session.state = "idle";
        buffer_close(&c->answer); /* an idle connection holds no memory */
        arena_release(&c->arena);
        TRY(stream_wait_input(c->stream, time_after(c->options->limits.idle_timeout)));
        TRY(serve_one(c, &more));
    }
    return OK;
}

void http_server_run(struct stream *stream, const struct http_server_options *options)
{
    struct connection c = {.options = options, .stream = stream};
    arena_init(&c.arena, options->limits.memory_max);
    buffer_init(&c.answer, options->limits.answer_size_max);
    session_enter(&c.session, options->protocol, c.stream);
    error_ignore(run(&c)); /* the client left, or was too slow: nothing to tell anyone */
    session_leave(&c.session);
    buffer_close(&c.answer);
    arena_close(&c.arena);
}

slice http_server_refusal(void)
{
    return SLICE(
        "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
}
