/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/session.h"
#include "base/metric.h"
#include "base/time.h"
#include "crypto/constant.h"
#include "format/http/response.h"
#include "net/stream.h"
#include "service/admin/exchange.h"

METRIC_COUNTER(admin_requests, "ringmail_admin_requests_total", "", "Requests answered");
METRIC_COUNTER(admin_denied, "ringmail_admin_denied_total", "", "Requests without the right token");

struct admin_session {
    struct session session;
    const struct admin_options *options;
    struct stream *stream;
    struct arena arena; /* of one request */
    struct buffer answer;
};

static const struct route {
    const char *path;
    enum http_method method;
    bool open; /* to those without a token */
    admin_handler *run;
} routes[] = {
    {"/", HTTP_GET, true, admin_page},
    {"/health", HTTP_GET, true, admin_health},
    {"/metrics", HTTP_GET, false, admin_metrics},
    {"/stats", HTTP_GET, false, admin_stats},
    {"/sessions", HTTP_GET, false, admin_sessions},
    {"/config", HTTP_GET, false, admin_config},
    {"/config", HTTP_PATCH, false, admin_config_change},
    {"/reload", HTTP_POST, false, admin_reload},
    {"/directory/invalidate", HTTP_POST, false, admin_invalidate},
};

slice admin_refusal(enum listener_refusal reason, void *argument)
{
    (void)reason, (void)argument;
    return SLICE(
        "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
}

static error read_head(struct admin_session *s, instant deadline, struct http_request *out_request)
{
    slice line, copy;
    size_t size = 0;
    TRY(stream_read_line(s->stream, STREAM_LINE_STRICT, HTTP_LINE_SIZE_MAX, deadline, &line));
    TRY(arena_copy(&s->arena, line, &copy));
    TRY(http_request_line_parse(copy, out_request));
    for (;;) {
        TRY(stream_read_line(s->stream, STREAM_LINE_STRICT, HTTP_LINE_SIZE_MAX, deadline, &line));
        if (line.size == 0)
            return http_request_check(out_request);
        size += line.size;
        if (size > ADMIN_HEAD_SIZE_MAX)
            return error_make(ERROR_LIMIT, "the head is too large");
        TRY(arena_copy(&s->arena, line, &copy));
        TRY(http_request_field_parse(copy, out_request));
    }
}

static error read_body(struct admin_session *s, instant deadline, struct admin_exchange *exchange)
{
    const struct http_request *request = &exchange->request;
    if (request->chunked)
        return error_make(ERROR_PERMANENT, "chunked requests are not taken here");
    if (request->length > ADMIN_BODY_SIZE_MAX)
        return error_make(ERROR_LIMIT, "the body is too large");
    if (request->length == 0)
        return OK;
    if (request->expect_continue)
        TRY(stream_write(s->stream, SLICE("HTTP/1.1 100 Continue\r\n\r\n")));
    char *body = arena_alloc_bytes(&s->arena, request->length);
    TRY_MEMORY(body);
    TRY(stream_read_exact(s->stream, body, request->length, deadline));
    exchange->body = slice_of(body, request->length);
    return OK;
}

/* Without a token every page in the operator's browser could ask. A page of another site is
 * betrayed by its Origin; one that made its own name point here (DNS rebinding) by the Host it asks
 * for. */
static bool comes_from_elsewhere(const struct admin_exchange *exchange)
{
    const struct http_request *request = &exchange->request;
    if (request->origin.size > 0) {
        ptrdiff_t at = slice_find(request->origin, SLICE("://"));
        if (at < 0 ||
            !slice_equal_nocase(slice_from(request->origin, (size_t)at + 3), request->host))
            return true;
    }
    if (exchange->options->token.size > 0 || request->host.size == 0)
        return false;
    slice host = request->host, port;
    struct address address;
    if (failed(
            address_parse_ip(host, &address))) /* "[::1]" and the like have colons of their own */
        slice_cut_last(host, ':', &host, &port);
    return !slice_equal_nocase(host, SLICE("localhost")) &&
           failed(address_parse_ip(host, &address));
}

static void dispatch(struct admin_exchange *exchange)
{
    const struct http_request *request = &exchange->request;
    enum http_method method = request->method == HTTP_HEAD ? HTTP_GET : request->method;
    const struct route *found = NULL;
    bool known_path = false;
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
        if (!slice_equal(request->path, slice_from_string(routes[i].path)))
            continue;
        known_path = true;
        if (routes[i].method == method)
            found = &routes[i];
    }
    if (!found) {
        exchange->status = known_path ? 405 : 404;
        return;
    }
    if (comes_from_elsewhere(exchange)) {
        metric_add(&admin_denied, 1);
        exchange->status = 403;
        return;
    }
    if (!found->open && exchange->options->token.size > 0 &&
        !constant_equal_slices(exchange->options->token, request->bearer_token)) {
        metric_add(&admin_denied, 1);
        exchange->status = 401;
        return;
    }
    error problem = found->run(exchange);
    if (!failed(problem))
        problem = buffer_check(exchange->answer);
    if (failed(problem)) {
        buffer_reset(exchange->answer);
        buffer_format(exchange->answer, "%s: %s\n", error_kind_name(problem.kind), problem.text);
        exchange->content_type = "text/plain";
        exchange->status =
            problem.kind == ERROR_TEMPORARY || problem.kind == ERROR_BUSY ? 503 : 500;
    }
}

static error write_answer(struct admin_session *s, const struct admin_exchange *exchange,
                          bool close)
{
    struct buffer head;
    buffer_init(&head, 4096);
    http_response_write(
        &(struct http_response){
            .status = exchange->status,
            .content_type = exchange->answer->size ? exchange->content_type : NULL,
            .length = exchange->answer->size,
            .close = close,
            .private = true,
            .fields = exchange->status == 401 ? "WWW-Authenticate: Bearer\r\n" : NULL,
        },
        time_wall_seconds(), &head);
    error problem = stream_write(s->stream, buffer_slice(&head));
    buffer_close(&head);
    TRY(problem);
    if (exchange->request.method != HTTP_HEAD) /* RFC 9110 9.3.2 */
        TRY(stream_send(s->stream, buffer_slice(exchange->answer),
                        time_after(ADMIN_REQUEST_TIMEOUT_S * TIME_S)));
    metric_add(&admin_requests, 1);
    return stream_flush(s->stream, time_after(ADMIN_REQUEST_TIMEOUT_S * TIME_S));
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

/* One request; *out_more tells whether another may follow. */
static error serve_one(struct admin_session *s, bool *out_more)
{
    arena_reset(&s->arena);
    buffer_reset(&s->answer);
    struct admin_exchange exchange = {
        .options = s->options,
        .arena = &s->arena,
        .answer = &s->answer,
        .status = 200,
        .content_type = "application/json",
    };
    instant deadline = time_after(ADMIN_REQUEST_TIMEOUT_S * TIME_S);
    s->session.state = "request";
    s->session.commands++;
    error problem = read_head(s, deadline, &exchange.request);
    if (!failed(problem))
        problem = read_body(s, deadline, &exchange);
    if (problem.kind == ERROR_CLOSED || problem.kind == ERROR_CANCELLED ||
        problem.kind == ERROR_SYSTEM)
        return problem;
    bool more = !failed(problem) && exchange.request.keep_alive && !session_must_end();
    if (failed(problem)) {
        exchange.status = status_of(problem);
        exchange.content_type = "text/plain";
        buffer_format(&s->answer, "%s\n", problem.text);
    } else {
        dispatch(&exchange);
    }
    TRY(write_answer(s, &exchange, !more));
    *out_more = more;
    return OK;
}

static error run(struct admin_session *s)
{
    for (unsigned i = 0; i < ADMIN_REQUESTS_MAX; i++) {
        bool more = false;
        s->session.state = "idle";
        buffer_close(&s->answer); /* an idle connection holds no memory */
        arena_release(&s->arena);
        TRY(stream_wait_input(s->stream, time_after(ADMIN_IDLE_TIMEOUT_S * TIME_S)));
        TRY(serve_one(s, &more));
        if (!more)
            break;
    }
    return OK;
}

void admin_serve(struct stream **stream, void *argument)
{
    struct admin_session s = {.options = argument, .stream = *stream};
    arena_init(&s.arena, 16 << 20);
    buffer_init(&s.answer, ADMIN_ANSWER_SIZE_MAX);
    session_enter(&s.session, "admin", s.stream);
    error_ignore(run(&s)); /* the client left, or was too slow: nothing to tell anyone */
    session_leave(&s.session);
    buffer_close(&s.answer);
    arena_close(&s.arena);
}
