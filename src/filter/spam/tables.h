#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the settings say, made ready for the rules: scores and caps by number, sets of domains,
 * composites, DNS lists. Made on each core at start and at a reload; in use it does not change.
 */
#include "base/arena.h"
#include "base/map.h"
#include "filter/spam/composite.h"
#include "filter/spam/dns_list.h"
#include "filter/spam/engine_settings.h"
#include "filter/spam/phrases.h"

enum spam_tables_limits {
    SPAM_TABLES_MEMORY_MAX = 4 << 20, /* bytes */
};

struct spam_tables {
    struct arena arena;
    unsigned users; /* mails being judged with them */
    double score[SPAM_SYMBOL_COUNT + SPAM_COMPOSITES_MAX];
    double cap[SPAM_GROUP_COUNT];
    struct map freemail, shorteners, skip;
    struct spam_composite composites[SPAM_COMPOSITES_MAX]; /* built-in ones first */
    unsigned composite_count;
    struct dns_list lists[DNS_LISTS_MAX];
    unsigned list_count;
    struct spam_phrases phrases;
    bool lists_enabled;
    int64_t lists_timeout; /* ns */
    int64_t learn_minimum;
};

error spam_tables_create(const struct spam_engine_settings *settings,
                         struct spam_tables **out_tables);
void spam_tables_destroy(struct spam_tables **tables);

/* By number: "SPF_FAIL"; composites of the operator come after our own symbols. */
slice spam_tables_name(const struct spam_tables *tables, unsigned id);
/* Of our own symbols. */
slice spam_symbol_name(unsigned id);
enum spam_group spam_symbol_group(unsigned id);
const char *spam_symbol_help(unsigned id);
/* Has no score by default, or is an operator's composite: it is there for composites also where its
 * score is 0. */
bool spam_symbol_is_silent(unsigned id);
/* SPAM_SYMBOL_COUNT where there is none of that name. */
unsigned spam_symbol_find(slice name);

/* Is the domain, or one above it, in the set? */
bool spam_domain_in(const struct map *set, slice domain);
