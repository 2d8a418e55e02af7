/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/metric.h"
#include "base/time.h"
#include "crypto/constant.h"
#include "service/admin/exchange.h"
#include "service/http/server.h"

METRIC_COUNTER(admin_requests, "ringmail_admin_requests_total", "", "Requests answered");
METRIC_COUNTER(admin_denied, "ringmail_admin_denied_total", "", "Requests without the right token");

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
    {"/events", HTTP_GET, false, admin_events},
    {"/directory/invalidate", HTTP_POST, false, admin_invalidate},
    {"/queue", HTTP_GET, false, admin_queue},
    {"/queue/mails", HTTP_GET, false, admin_queue_mails},
    {"/queue/sites", HTTP_GET, false, admin_queue_sites},
    {"/queue/mail", HTTP_GET, false, admin_queue_mail},
    {"/queue/flush", HTTP_POST, false, admin_queue_flush},
    {"/queue/hold", HTTP_POST, false, admin_queue_hold},
    {"/queue/release", HTTP_POST, false, admin_queue_release},
    {"/queue/delete", HTTP_POST, false, admin_queue_delete},
    {"/queue/bounce", HTTP_POST, false, admin_queue_bounce},
    {"/spam/check", HTTP_POST, false, admin_spam_check},
};

slice admin_refusal(enum listener_refusal reason, void *argument)
{
    (void)reason, (void)argument;
    return http_server_refusal();
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

/* WAITS. */
static error dispatch(struct admin_exchange *exchange)
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
        return OK;
    }
    if (comes_from_elsewhere(exchange)) {
        metric_add(&admin_denied, 1);
        exchange->status = 403;
        return OK;
    }
    if (!found->open && exchange->options->token.size > 0 &&
        !constant_equal_slices(exchange->options->token, request->bearer_token)) {
        metric_add(&admin_denied, 1);
        exchange->status = 401;
        return OK;
    }
    TRY(found->run(exchange));
    return buffer_check(exchange->answer);
}

static bool is_known(slice path)
{
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++)
        if (slice_equal(path, slice_from_string(routes[i].path)))
            return true;
    return false;
}

/* What to try instead, for people who look around with curl. */
static void explain(struct admin_exchange *exchange)
{
    exchange->content_type = "text/plain";
    switch (exchange->status) {
    case 401:
        buffer_add_string(exchange->answer,
                          "401: send \"Authorization: Bearer TOKEN\" (admin.token)\n");
        break;
    case 403:
        buffer_add_string(exchange->answer, "403: not from another site's page\n");
        break;
    case 404:
        if (is_known(exchange->request.path)) {
            buffer_add_string(exchange->answer, "404: there is no such thing now\n");
            break;
        }
        buffer_add_string(exchange->answer, "404: there is nothing here. There is:");
        for (size_t i = 0; i < sizeof routes / sizeof *routes; i++)
            if (routes[i].method == HTTP_GET)
                buffer_format(exchange->answer, " %s", routes[i].path);
        buffer_add_byte(exchange->answer, '\n');
        break;
    case 405:
        buffer_add_string(exchange->answer, "405: this path is there for another method\n");
        break;
    default:
        buffer_format(exchange->answer, "%u\n", exchange->status);
    }
}

static void handle(struct http_exchange *http)
{
    struct admin_exchange exchange = {
        .options = http->argument,
        .request = http->request,
        .body = http->body,
        .arena = http->arena,
        .status = 200,
        .content_type = "application/json",
        .answer = http->answer,
        .stream = http->stream,
    };
    error problem = dispatch(&exchange);
    if (!failed(problem) && exchange.status >= 400 && exchange.answer->size == 0)
        explain(&exchange);
    http->status = exchange.status;
    http->content_type = exchange.content_type;
    http->streamed = exchange.streamed;
    http->fields = exchange.status == 401 ? "WWW-Authenticate: Bearer\r\n" : NULL;
    if (failed(problem))
        http_exchange_fail(http, problem);
}

static void done(const struct http_exchange *http)
{
    (void)http;
    metric_add(&admin_requests, 1);
}

void admin_serve(struct stream **stream, void *argument)
{
    const struct http_server_options options = {
        .protocol = "admin",
        .limits =
            {
                .head_size_max = ADMIN_HEAD_SIZE_MAX,
                .body_size_max = ADMIN_BODY_SIZE_MAX,
                .answer_size_max = ADMIN_ANSWER_SIZE_MAX,
                .memory_max = ADMIN_MEMORY_MAX,
                .requests_max = ADMIN_REQUESTS_MAX,
                .idle_timeout = ADMIN_IDLE_TIMEOUT_S * TIME_S,
                .request_timeout = ADMIN_REQUEST_TIMEOUT_S * TIME_S,
            },
        .private = true,
        .handle = handle,
        .done = done,
        .argument = argument,
    };
    http_server_run(*stream, &options);
}
