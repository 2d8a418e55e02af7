/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/log.h"
#include "base/metric.h"
#include "data/directory/directory.h"
#include "format/text/idna.h"
#include "net/stream.h"
#include "service/http/exchange.h"

#include <stdio.h>

METRIC_COUNTER(metric_ok, "ringmail_http_requests_total", "status=\"2xx\"", "Requests answered");
METRIC_COUNTER(metric_moved, "ringmail_http_requests_total", "status=\"3xx\"", "Requests answered");
METRIC_COUNTER(metric_refused, "ringmail_http_requests_total", "status=\"4xx\"",
               "Requests answered");
METRIC_COUNTER(metric_failed, "ringmail_http_requests_total", "status=\"5xx\"",
               "Requests answered");
METRIC_HISTOGRAM(metric_time, "ringmail_http_request_seconds", "",
                 "From a request's first byte to the end of its answer");

enum { LOCATION_SIZE_MAX = 4096 };

static const struct route {
    const char *path;
    enum http_method method;
    bool any_case;
    bool in_clear; /* served over HTTP even where that is redirected: clients that have no
                      certificate for the name yet (autoconfig.DOMAIN) ask there */
    http_page *run;
} routes[] = {
    {"/.well-known/mta-sts.txt", HTTP_GET, false, false, http_page_sts},
    {"/mail/config-v1.1.xml", HTTP_GET, false, true, http_page_autoconfig},
    {"/.well-known/autoconfig/mail/config-v1.1.xml", HTTP_GET, false, true, http_page_autoconfig},
    {"/autodiscover/autodiscover.xml", HTTP_POST, true, false, http_page_autodiscover},
};

/* ---- Domains ---- */

error http_own_domain(struct http_exchange *exchange, slice domain, slice *out_domain)
{
    bool ours = false;
    slice ascii;
    *out_domain = SLICE_EMPTY;
    if (!directory_here() || failed(idna_to_ascii(exchange->arena, domain, &ascii)))
        return OK;
    TRY(directory_domain(directory_here(), ascii, &ours));
    if (ours)
        *out_domain = ascii;
    return OK;
}

error http_domain_of_host(struct http_exchange *exchange, slice prefix, slice *out_domain)
{
    slice host = exchange->request.host, port;
    slice_cut_last(host, ':', &host, &port);
    *out_domain = SLICE_EMPTY;
    if (!slice_starts_nocase(host, prefix))
        return OK;
    return http_own_domain(exchange, slice_from(host, prefix.size), out_domain);
}

/* ---- Answers ---- */

/* To where HTTPS is, at the same name; Outlook follows to a name with a certificate of its own. */
static error redirect(struct http_exchange *exchange, const struct route *route)
{
    const struct http_service *service = http_service_of(exchange);
    const struct http_request *request = &exchange->request;
    slice host = request->host, port, target;
    const char *text;
    char port_text[8] = "";
    slice_cut_last(host, ':', &host, &port);
    if (route && route->any_case)
        host = service->hostname;
    if (service->tls_port != 443)
        snprintf(port_text, sizeof port_text, ":%u", service->tls_port);
    for (size_t i = 0; i < host.size; i++)
        if (!ascii_is_alpha(host.data[i]) && !ascii_is_digit(host.data[i]) && host.data[i] != '.' &&
            host.data[i] != '-')
            host.size = 0; /* no name one could send anybody to */
    if (host.size == 0 || request->path.size + request->query.size > LOCATION_SIZE_MAX) {
        exchange->status = 404;
        return OK;
    }
    TRY(arena_format(exchange->arena, &target, "Location: https://%.*s%s%.*s%s%.*s\r\n",
                     SLICE_ARG(host), port_text, SLICE_ARG(request->path),
                     request->query.size ? "?" : "", SLICE_ARG(request->query)));
    TRY(arena_string(exchange->arena, target, &text));
    exchange->fields = text;
    /* RFC 9110 15.4: 302 may change a POST into a GET, and is what Outlook waits for. */
    exchange->status = route && route->any_case ? 302 : 301;
    return OK;
}

static const struct route *find_route(const struct http_request *request, const char **out_allow)
{
    enum http_method method = request->method == HTTP_HEAD ? HTTP_GET : request->method;
    *out_allow = NULL;
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
        slice path = slice_from_string(routes[i].path);
        if (!(routes[i].any_case ? slice_equal_nocase(request->path, path)
                                 : slice_equal(request->path, path)))
            continue;
        if (routes[i].method == method || (routes[i].any_case && method == HTTP_GET))
            return &routes[i];
        *out_allow = routes[i].method == HTTP_GET ? "Allow: GET, HEAD\r\n" : "Allow: POST\r\n";
    }
    return NULL;
}

static error answer(struct http_exchange *exchange)
{
    const struct http_service *service = http_service_of(exchange);
    const char *allow;
    const struct route *route = find_route(&exchange->request, &allow);
    bool is_read = exchange->request.method == HTTP_GET || exchange->request.method == HTTP_HEAD;
    if (!stream_is_tls(exchange->stream) && service->has_tls && service->settings->redirect &&
        is_read && !(route && route->in_clear))
        return redirect(exchange, route);
    if (route && (route->method == HTTP_POST) != is_read)
        return route->run(exchange);
    if (route && !allow)
        allow = "Allow: POST\r\n";
    exchange->status = allow ? 405 : 404; /* RFC 9110 15.5.6 */
    exchange->fields = allow;
    return OK;
}

static void handle(struct http_exchange *exchange)
{
    error problem = answer(exchange);
    if (failed(problem))
        http_exchange_fail(exchange, problem);
    else if (exchange->status >= 400 && exchange->answer->size == 0) {
        buffer_format(exchange->answer, "%u\n", exchange->status);
        exchange->content_type = "text/plain";
    }
}

static void done(const struct http_exchange *exchange)
{
    char peer[ADDRESS_TEXT_SIZE];
    int64_t took = time_now() - exchange->began;
    metric_add(exchange->status < 300   ? &metric_ok
               : exchange->status < 400 ? &metric_moved
               : exchange->status < 500 ? &metric_refused
                                        : &metric_failed,
               1);
    metric_observe(&metric_time, (uint64_t)took);
    struct log_line line = log_begin(LOG_INFO, "http.request");
    log_text(&line, "peer", address_format(stream_peer(exchange->stream), peer));
    log_text(&line, "method", exchange->request.method_name);
    log_text(&line, "host", exchange->request.host);
    log_text(&line, "path", exchange->request.path);
    log_number(&line, "status", exchange->status);
    log_number(&line, "bytes", (int64_t)exchange->answer->size);
    log_string(&line, "tls", stream_is_tls(exchange->stream) ? "yes" : "no");
    log_number(&line, "ms", took / TIME_MS);
    log_end(&line);
}

void http_serve(struct stream **stream, void *argument)
{
    const struct http_settings *settings = ((const struct http_service *)argument)->settings;
    const struct http_server_options options = {
        .protocol = "http",
        .limits =
            {
                .head_size_max = HTTP_HEAD_SIZE_MAX,
                .body_size_max = HTTP_BODY_SIZE_MAX,
                .answer_size_max = HTTP_ANSWER_SIZE_MAX,
                .memory_max = HTTP_MEMORY_MAX,
                .requests_max = HTTP_REQUESTS_MAX,
                .idle_timeout = settings->idle_timeout,
                .request_timeout = settings->request_timeout,
            },
        .handle = handle,
        .done = done,
        .argument = argument,
    };
    http_server_run(*stream, &options);
}

slice http_refusal(enum listener_refusal reason, void *argument)
{
    (void)reason, (void)argument;
    return http_server_refusal();
}
