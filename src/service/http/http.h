#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the world fetches over HTTP and HTTPS about domains of ours (and nobody else's):
 *
 *     GET  /.well-known/mta-sts.txt                   at mta-sts.DOMAIN (RFC 8461 3.3)
 *     GET  /mail/config-v1.1.xml                      at autoconfig.DOMAIN (Thunderbird)
 *     GET  /.well-known/autoconfig/mail/config-v1.1.xml    at DOMAIN; both: ?emailaddress=
 *     POST /autodiscover/autodiscover.xml             any case (Outlook)
 *
 * Everything else is 404. Each connection is a fiber on the core that accepted it. Bounds:
 * http_service_limits, and the timeouts of the settings.
 */
#include "format/mail/autoconfig.h"
#include "net/listener.h"
#include "service/http/settings.h"

enum http_service_limits {
    HTTP_HEAD_SIZE_MAX = 32 << 10,
    HTTP_BODY_SIZE_MAX = AUTOCONFIG_REQUEST_SIZE_MAX,
    HTTP_ANSWER_SIZE_MAX = 64 << 10,
    HTTP_MEMORY_MAX = 256 << 10, /* of one request */
    HTTP_REQUESTS_MAX = 1000,    /* of one connection */
};

struct http_service {
    const struct http_settings *settings;
    const struct sts_settings *sts;
    slice hostname;
    bool has_tls; /* HTTPS is listened on: there is somewhere to redirect to */
    uint16_t tls_port;
    /* What mail clients are told; by enum autoconfig_protocol and port. */
    struct autoconfig_server servers[AUTOCONFIG_SERVERS_MAX];
    unsigned server_count;
};

/* listener_options.serve; the argument is a struct http_service that outlives it. */
void http_serve(struct stream **stream, void *argument);
slice http_refusal(enum listener_refusal reason, void *argument);
