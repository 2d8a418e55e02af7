/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What is served: the MTA-STS policy, and how to set up a mail program.
 */
#include "service/http/exchange.h"

static error not_found(struct http_exchange *exchange)
{
    exchange->status = 404;
    return OK;
}

error http_page_sts(struct http_exchange *exchange)
{
    const struct http_service *service = http_service_of(exchange);
    slice domain;
    TRY(http_domain_of_host(exchange, SLICE("mta-sts."), &domain));
    if (!domain.size)
        return not_found(exchange);
    sts_policy_write(service->sts, service->hostname, exchange->answer);
    exchange->content_type = "text/plain"; /* RFC 8461 3.2 */
    return OK;
}

void http_autoconfig_fill(const struct http_exchange *exchange, slice domain, slice address,
                          struct autoconfig *out_config)
{
    const struct http_service *service = http_service_of(exchange);
    *out_config = (struct autoconfig){.domain = domain,
                                      .host = service->hostname,
                                      .address = address,
                                      .count = service->server_count};
    memcpy(out_config->servers, service->servers, sizeof out_config->servers);
}

static error domain_of_address(struct http_exchange *exchange, slice address, slice *out_domain)
{
    slice local, domain;
    if (address.size <= AUTOCONFIG_ADDRESS_SIZE_MAX &&
        slice_cut_last(address, '@', &local, &domain))
        return http_own_domain(exchange, domain, out_domain);
    *out_domain = SLICE_EMPTY;
    return OK;
}

/* The address says which domain is meant; without one the host's name does. */
error http_page_autoconfig(struct http_exchange *exchange)
{
    slice encoded = SLICE_EMPTY, domain;
    (void)http_query_find(exchange->request.query, SLICE("emailaddress"), &encoded);
    if (encoded.size) {
        size_t size;
        char *address = arena_alloc_bytes(exchange->arena, encoded.size);
        TRY_MEMORY(address);
        if (failed(http_percent_decode(encoded, true, address, &size))) {
            exchange->status = 400;
            return OK;
        }
        TRY(domain_of_address(exchange, slice_of(address, size), &domain));
    } else {
        TRY(http_domain_of_host(exchange, SLICE("autoconfig."), &domain));
        if (!domain.size)
            TRY(http_domain_of_host(exchange, SLICE_EMPTY, &domain));
    }
    if (!domain.size)
        return not_found(exchange);
    struct autoconfig config;
    http_autoconfig_fill(exchange, domain, SLICE_EMPTY, &config);
    autoconfig_thunderbird_write(&config, exchange->answer);
    exchange->content_type = "text/xml; charset=utf-8";
    return OK;
}

error http_page_autodiscover(struct http_exchange *exchange)
{
    slice address, domain;
    error problem = autoconfig_outlook_parse(exchange->body, exchange->arena, &address);
    if (problem.kind == ERROR_MALFORMED || problem.kind == ERROR_LIMIT) {
        exchange->status = 400;
        return OK;
    }
    TRY(problem);
    TRY(domain_of_address(exchange, address, &domain));
    if (!domain.size)
        return not_found(exchange);
    struct autoconfig config;
    http_autoconfig_fill(exchange, domain, address, &config);
    autoconfig_outlook_write(&config, exchange->answer);
    exchange->content_type = "text/xml; charset=utf-8";
    exchange->private = true; /* the address stands in it */
    return OK;
}
