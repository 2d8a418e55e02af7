/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "filter/authentic/psl.h"

#include "format/dns/message.h"

#include <libpsl.h>

static psl_ctx_t *the_list;

error psl_open(void)
{
    if (!the_list)
        the_list = psl_latest(NULL);
    return the_list ? OK : error_make(ERROR_NOT_FOUND, "no public suffix list");
}

void psl_close(void)
{
    psl_free(the_list);
    the_list = NULL;
}

slice psl_organization(slice domain)
{
    char string[DNS_NAME_SIZE_MAX + 1];
    if (!the_list || domain.size == 0 || domain.size >= sizeof string)
        return domain;
    for (size_t i = 0; i < domain.size; i++)
        string[i] = ascii_lower(domain.data[i]);
    string[domain.size] = '\0';
    const char *found = psl_registrable_domain(the_list, string);
    return found ? slice_from(domain, (size_t)(found - string)) : domain;
}
