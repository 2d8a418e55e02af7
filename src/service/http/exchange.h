#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The pages of the public service, one file per subject. Inside service/http only.
 */
#include "service/http/http.h"
#include "service/http/server.h"

/* WAIT. An error becomes 500 (503 for temporary trouble). */
typedef error http_page(struct http_exchange *exchange);
http_page http_page_sts, http_page_autoconfig, http_page_autodiscover;

static inline const struct http_service *http_service_of(const struct http_exchange *exchange)
{
    return exchange->argument;
}

/* WAITS. The domain that "PREFIX.DOMAIN[:port]" names, or DOMAIN itself with the prefix empty,
 * where it is ours (A-labels, in the arena); empty where it is not. */
error http_domain_of_host(struct http_exchange *exchange, slice prefix, slice *out_domain);
/* The same for a domain, or the domain of an address. */
error http_own_domain(struct http_exchange *exchange, slice domain, slice *out_domain);
/* What clients of the domain are told. */
void http_autoconfig_fill(const struct http_exchange *exchange, slice domain, slice address,
                          struct autoconfig *out_config);
