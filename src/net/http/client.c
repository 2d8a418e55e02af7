/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/http/client.h"

#include "base/metric.h"
#include "net/dial.h"
#include "net/dns/addresses.h"
#include "net/http/converse.h"
#include "net/stream.h"

METRIC_COUNTER(metric_asked, "ringmail_http_client_requests_total", "",
               "Requests made of other HTTP servers");
METRIC_COUNTER(metric_failed, "ringmail_http_client_failures_total", "",
               "Requests that brought no whole answer");

enum {
    ADDRESSES_TRIED = 4,   /* of the host's */
    CONNECT_TIMEOUT_S = 10 /* of each but the last */
};

/* ---- Connecting ---- */

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

static error connect_anywhere(const struct http_client_request *request, const struct http_url *url,
                              struct arena *arena, struct stream **out_stream)
{
    struct dns_addresses found;
    if (request->address.family != ADDRESS_NONE)
        return dial(&request->address, NULL, request->deadline, out_stream);
    TRY(dns_addresses_find(url->host, url->port, arena, request->deadline, &found));
    if (request->public_only)
        found.count = keep_public(found.items, found.count);
    error problem = error_make(ERROR_NOT_FOUND, "the host has no address to be used");
    unsigned count = found.count < ADDRESSES_TRIED ? found.count : ADDRESSES_TRIED;
    for (unsigned i = 0; i < count; i++) {
        problem = connect_to(request, &found.items[i], i + 1 == count, out_stream);
        if (!failed(problem) || problem.kind == ERROR_CANCELLED)
            break;
    }
    return problem;
}

error http_client_connect(const struct http_client_request *request, const struct http_url *url,
                          struct arena *arena, struct stream **out_stream)
{
    struct stream *stream;
    TRY(connect_anywhere(request, url, arena, &stream));
    error problem = url->https ? stream_start_tls_client(stream, request->tls, url->host,
                                                         SLICE("http/1.1"), request->deadline)
                               : OK;
    if (failed(problem))
        stream_abort(&stream);
    else
        *out_stream = stream;
    return problem;
}

/* ---- Asking ---- */

static bool has_control(slice text)
{
    for (size_t i = 0; i < text.size; i++)
        if ((unsigned char)text.data[i] < ' ' || text.data[i] == 0x7f)
            return true;
    return false;
}

error http_client_check(const struct http_client_request *request, struct http_url *out_url)
{
    bool wrong = request->url.size > HTTP_CLIENT_URL_SIZE_MAX ||
                 failed(http_url_parse(request->url, out_url)) ||
                 request->field_count > HTTP_CLIENT_FIELDS_MAX ||
                 has_control(request->content_type) || (out_url->https && !request->tls);
    for (unsigned i = 0; !wrong && i < request->field_count; i++)
        wrong = has_control(request->fields[i].name) || has_control(request->fields[i].value);
    return wrong ? error_make(ERROR_PERMANENT, "a request that cannot be made") : OK;
}

/* WAITS. One answer, then the connection ends: nothing is kept for later. */
static error ask_once(const struct http_client_request *request, const struct http_url *url,
                      struct arena *arena, struct http_client_answer *out_answer)
{
    struct http_conversation conversation = {.request = request, .url = url};
    bool kept;
    TRY(http_client_connect(request, url, arena, &conversation.stream));
    error problem = http_converse(&conversation, arena, out_answer, &kept);
    if (failed(problem))
        stream_abort(&conversation.stream);
    else
        stream_close(&conversation.stream);
    return problem;
}

error http_client_ask(const struct http_client_request *request, struct arena *arena,
                      struct http_client_answer *out_answer)
{
    struct http_url url;
    TRY(http_client_check(request, &url));
    metric_add(&metric_asked, 1);
    error problem = ask_once(request, &url, arena, out_answer);
    if (failed(problem))
        metric_add(&metric_failed, 1);
    return problem;
}
