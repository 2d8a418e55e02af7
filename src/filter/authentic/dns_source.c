/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "filter/authentic/dns_source.h"

#include "net/dns/resolver.h"

static error query(void *argument, slice name, enum dns_type type, struct arena *arena,
                   instant deadline, struct dns_answer *out_answer)
{
    (void)argument;
    return resolver_query(name, type, arena, deadline, out_answer);
}

static void prefetch(void *argument, slice name, enum dns_type type)
{
    (void)argument;
    resolver_prefetch(name, type);
}

const struct dns_source dns_source_resolver = {.query = query, .prefetch = prefetch};

error dns_source_ask(const struct dns_source *source, slice name, enum dns_type type,
                     struct arena *arena, instant deadline, struct dns_answer *out_answer)
{
    struct dns_answer answer = {0};
    error problem = dns_name_is_valid(name)
                        ? source->query(source->argument, name, type, arena, deadline, &answer)
                        : error_make(ERROR_NOT_FOUND, "not a DNS name");
    switch (problem.kind) {
    case ERROR_NONE:
        break;
    case ERROR_NOT_FOUND:
    case ERROR_MALFORMED: /* a name that cannot be asked for does not exist */
        answer.count = 0;
        break;
    case ERROR_CANCELLED:
    case ERROR_LIMIT:
        return problem;
    default:
        return error_make(ERROR_TEMPORARY, problem.text);
    }
    *out_answer = answer;
    return OK;
}

void dns_source_expect(const struct dns_source *source, slice name, enum dns_type type)
{
    if (source->prefetch && dns_name_is_valid(name))
        source->prefetch(source->argument, name, type);
}
