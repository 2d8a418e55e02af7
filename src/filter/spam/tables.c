/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "filter/spam/tables.h"

#include "filter/spam/spam.h"
#include "format/text/idna.h"

#include <limits.h>
#include <stdlib.h>

static const struct {
    const char *name, *help;
    enum spam_group group;
    bool silent;
} symbols[] = {
#define SYMBOL_(NAME, score, group, help) {#NAME, help, SPAM_GROUP_##group, (score) == 0},
    SPAM_SYMBOLS(SYMBOL_)
#undef SYMBOL_
};

/* Ours. The score of each is that of its symbol. */
static const struct {
    unsigned id;
    const char *expression;
} built_in[] = {
    {SPAM_FORGED_AUTHOR_FOUND, "(DMARC_FAIL_REJECT | DMARC_FAIL_QUARANTINE | SPF_FAIL) & "
                               "(FROM_NAME_ADDRESS | FROM_NAME_OURS | REPLY_TO_FREEMAIL)"},
    {SPAM_PHISHING_FOUND, "(TEXT_CREDENTIALS | HTML_PASSWORD) & (LINK_SHOWS_OTHER | URL_ADDRESS | "
                          "URL_LOOKALIKE | URL_USER | URL_ESCAPED | UNAUTHENTIC | DMARC_FAIL | "
                          "DMARC_FAIL_QUARANTINE | DMARC_FAIL_REJECT | HTML_FORM)"},
    {SPAM_FRAUD_FOUND, "(TEXT_FEE | TEXT_PRIZE) & (REPLY_TO_FREEMAIL | REPLY_TO_OTHER_FREEMAIL | "
                       "FREEMAIL_FROM | TO_UNDISCLOSED | TO_MISSING | UNAUTHENTIC)"},
    {SPAM_BOTNET_FOUND, "(REVERSE_GENERIC | REVERSE_MISSING) & (HELO_BARE_ADDRESS | HELO_NO_DOT | "
                        "HELO_LOCALHOST | HELO_OURS) & (UNAUTHENTIC | SPF_FAIL | SPF_SOFTFAIL)"},
    {SPAM_BULK_DECENT_FOUND, "LIST_UNSUBSCRIBE & DMARC_PASS & !LINK_SHOWS_OTHER & !HTML_HIDDEN"},
    {SPAM_BLACKMAIL_FOUND, "TEXT_THREAT & TEXT_WALLET"},
    {SPAM_DROPPER_FOUND, "(ARCHIVE_ENCRYPTED | ARCHIVE_EXECUTABLE | ATTACHMENT_MACROS | "
                         "ATTACHMENT_HTML) & (UNAUTHENTIC | SPF_FAIL | DMARC_FAIL | "
                         "DMARC_FAIL_QUARANTINE | DMARC_FAIL_REJECT)"},
};

/* Each list in parentheses: its words are one string. */
static const char *const address_lists[] = {
    ("zen.spamhaus.org 127.0.0.2-3=ADDRESS_LISTED_SPAM 127.0.0.9=ADDRESS_LISTED_SPAM "
     "127.0.0.4-7=ADDRESS_LISTED_EXPLOITED 127.0.0.10-11=ADDRESS_LISTED_POLICY"),
    "bl.spamcop.net 127.0.0.2=ADDRESS_LISTED",
    "list.dnswl.org 127.0.*.2-3=ADDRESS_TRUSTED",
};
static const char *const domain_lists[] = {
    ("dbl.spamhaus.org 127.0.1.2=DOMAIN_LISTED_SPAM 127.0.1.4=DOMAIN_LISTED_PHISHING "
     "127.0.1.5-6=DOMAIN_LISTED_MALWARE 127.0.1.102-106=DOMAIN_LISTED_ABUSED"),
    ("multi.surbl.org 127.0.0.&8=DOMAIN_LISTED_PHISHING 127.0.0.&16=DOMAIN_LISTED_MALWARE "
     "127.0.0.&64=DOMAIN_LISTED_SPAM 127.0.0.&128=DOMAIN_LISTED_ABUSED"),
    "multi.uribl.com 127.0.0.&2=DOMAIN_LISTED_SPAM 127.0.0.&8=DOMAIN_LISTED",
};

slice spam_symbol_name(unsigned id)
{
    return slice_from_string(symbols[id].name);
}

enum spam_group spam_symbol_group(unsigned id)
{
    return symbols[id].group;
}

bool spam_symbol_is_silent(unsigned id)
{
    return id >= SPAM_SYMBOL_COUNT || symbols[id].silent;
}

const char *spam_symbol_help(unsigned id)
{
    return symbols[id].help;
}

unsigned spam_symbol_find(slice name)
{
    for (unsigned i = 0; i < SPAM_SYMBOL_COUNT; i++)
        if (slice_equal(name, spam_symbol_name(i)))
            return i;
    return SPAM_SYMBOL_COUNT;
}

slice spam_tables_name(const struct spam_tables *tables, unsigned id)
{
    if (id < SPAM_SYMBOL_COUNT)
        return spam_symbol_name(id);
    for (unsigned i = 0; i < tables->composite_count; i++)
        if (tables->composites[i].id == id)
            return tables->composites[i].name;
    return SLICE_EMPTY;
}

static unsigned find_name(const void *argument, slice name)
{
    const struct spam_tables *tables = argument;
    unsigned id = spam_symbol_find(name);
    if (id < SPAM_SYMBOL_COUNT)
        return id;
    for (unsigned i = 0; i < tables->composite_count; i++)
        if (slice_equal(tables->composites[i].name, name))
            return tables->composites[i].id;
    return UINT_MAX;
}

static unsigned find_listed(const void *argument, slice name)
{
    (void)argument;
    unsigned id = spam_symbol_find(name);
    return id < SPAM_SYMBOL_COUNT && spam_symbol_group(id) == SPAM_GROUP_LIST ? id : UINT_MAX;
}

bool spam_domain_in(const struct map *set, slice domain)
{
    char lower[256];
    if (domain.size > sizeof lower)
        return false;
    for (size_t i = 0; i < domain.size; i++)
        lower[i] = ascii_lower(domain.data[i]);
    for (slice rest = slice_of(lower, domain.size), label; rest.size > 0;) {
        if (map_get(set, rest))
            return true;
        slice_cut(rest, '.', &label, &rest);
    }
    return false;
}

/* ---- Reading the settings ---- */

/* The operator's mistakes go to `problems`, where somebody wants to hear of them. */
struct making {
    struct spam_tables *tables;
    struct buffer *problems;
};

static void complain(struct making *making, const char *setting, slice text, error problem,
                     slice where)
{
    if (!making->problems)
        return;
    buffer_format(making->problems, "%s: \"%.*s\": %s", setting, SLICE_ARG(text), problem.text);
    if (where.size > 0)
        buffer_format(making->problems, " at \"%.*s\"", SLICE_ARG(where));
    if (problem.kind == ERROR_NOT_FOUND && where.size > 0) {
        unsigned least = (unsigned)where.size / 2, nearest = SPAM_SYMBOL_COUNT;
        for (unsigned i = 0; i < SPAM_SYMBOL_COUNT; i++) {
            unsigned distance = setting_distance(where, spam_symbol_name(i));
            if (distance < least) {
                least = distance;
                nearest = i;
            }
        }
        if (nearest < SPAM_SYMBOL_COUNT)
            buffer_format(making->problems, "; did you mean %s?", symbols[nearest].name);
    }
    buffer_add_byte(making->problems, '\n');
}

static error make_set(struct arena *arena, const struct setting_list *list, struct map *set)
{
    for (size_t i = 0; i < list->count; i++) {
        slice domain;
        if (failed(idna_to_ascii(arena, list->items[i], &domain)))
            domain = list->items[i];
        TRY(map_put(set, domain, set));
    }
    return OK;
}

static error add_composite(struct spam_tables *tables, unsigned id, slice name, slice expression,
                           slice *out_where)
{
    if (tables->composite_count == SPAM_COMPOSITES_MAX)
        return error_make(ERROR_LIMIT, "more composites than there may be");
    struct spam_composite_names names = {find_name, tables};
    struct spam_composite *composite = &tables->composites[tables->composite_count];
    TRY(spam_composite_parse(expression, &names, composite, out_where));
    composite->id = id;
    composite->name = name;
    tables->composite_count++;
    return OK;
}

/* "NAME SCORE EXPRESSION" */
static error add_own_composite(struct making *making, slice text, slice *out_where)
{
    struct spam_tables *tables = making->tables;
    slice name, score, expression;
    double value = 0;
    static const struct setting row = {
        .type = SETTING_TYPE_DECIMAL, .size = sizeof value, .min = -100000, .max = 100000};
    slice rest = slice_trim(text);
    slice_cut(rest, ' ', &name, &rest);
    slice_cut(slice_trim(rest), ' ', &score, &expression);
    *out_where = name;
    if (name.size == 0 || name.size > SPAM_SYMBOL_NAME_SIZE_MAX)
        return error_make(ERROR_MALFORMED, "\"NAME SCORE EXPRESSION\" is wanted");
    for (size_t i = 0; i < name.size; i++)
        if (!ascii_is_alpha(name.data[i]) && !ascii_is_digit(name.data[i]) && name.data[i] != '_')
            return error_make(ERROR_MALFORMED, "a name is of letters, digits and underscores");
    if (find_name(tables, name) != UINT_MAX)
        return error_make(ERROR_EXISTS, "there is such a symbol already");
    *out_where = score;
    TRY(setting_set(&row, score, &tables->arena, &value));
    TRY(arena_copy(&tables->arena, name, &name));
    unsigned id = SPAM_SYMBOL_COUNT + tables->composite_count;
    *out_where = SLICE_EMPTY;
    TRY(add_composite(tables, id, name, expression, out_where));
    tables->score[id] = value;
    return OK;
}

static error make_composites(struct making *making, const struct spam_rules_settings *rules)
{
    slice where;
    for (size_t i = 0; i < sizeof built_in / sizeof *built_in; i++)
        TRY(add_composite(making->tables, built_in[i].id, spam_symbol_name(built_in[i].id),
                          slice_from_string(built_in[i].expression), &where));
    for (size_t i = 0; i < rules->composites.count; i++) {
        error problem = add_own_composite(making, rules->composites.items[i], &where);
        if (failed(problem))
            complain(making, "spam.rules.composites", rules->composites.items[i], problem, where);
    }
    return OK;
}

static error add_list(struct making *making, slice text, bool domains)
{
    struct spam_tables *tables = making->tables;
    if (tables->list_count == DNS_LISTS_MAX)
        return error_make(ERROR_LIMIT, "more lists than are asked");
    struct dns_list_names names = {find_listed, NULL};
    struct dns_list *list = &tables->lists[tables->list_count];
    list->domains = domains;
    TRY(arena_copy(&tables->arena, text, &text));
    TRY(dns_list_parse(text, &names, list));
    tables->list_count++;
    return OK;
}

static error make_lists(struct making *making, const struct setting_list *own,
                        const char *const *standard, size_t count, bool domains)
{
    for (size_t i = 0; own->count == 0 && i < count; i++)
        TRY(add_list(making, slice_from_string(standard[i]), domains));
    for (size_t i = 0; i < own->count; i++) {
        error problem = add_list(making, own->items[i], domains);
        if (failed(problem))
            complain(making, domains ? "spam.lists.domains" : "spam.lists.addresses", own->items[i],
                     problem, SLICE_EMPTY);
    }
    return OK;
}

static error make(struct making *making, const struct spam_engine_settings *settings)
{
    struct spam_tables *tables = making->tables;
    memcpy(tables->score, settings->scores, sizeof *settings->scores);
    memcpy(tables->cap, settings->caps, sizeof *settings->caps);
    spam_phrases_make(&tables->phrases);
    tables->lists_enabled = settings->lists->enabled;
    tables->lists_timeout = settings->lists->timeout;
    tables->learn_minimum = settings->rules->learn_minimum;
    TRY(make_set(&tables->arena, &settings->rules->freemail, &tables->freemail));
    TRY(make_set(&tables->arena, &settings->rules->shorteners, &tables->shorteners));
    TRY(make_set(&tables->arena, &settings->rules->skip, &tables->skip));
    TRY(make_composites(making, settings->rules));
    TRY(make_lists(making, &settings->lists->addresses, address_lists,
                   sizeof address_lists / sizeof *address_lists, false));
    return make_lists(making, &settings->lists->domains, domain_lists,
                      sizeof domain_lists / sizeof *domain_lists, true);
}

static error create(const struct spam_engine_settings *settings, struct buffer *problems,
                    struct spam_tables **out_tables)
{
    struct spam_tables *tables = calloc(1, sizeof *tables);
    TRY_MEMORY(tables);
    arena_init(&tables->arena, SPAM_TABLES_MEMORY_MAX);
    map_init(&tables->freemail);
    map_init(&tables->shorteners);
    map_init(&tables->skip);
    struct making making = {tables, problems};
    error problem = make(&making, settings);
    if (failed(problem)) {
        spam_tables_destroy(&tables);
        return problem;
    }
    *out_tables = tables;
    return OK;
}

error spam_tables_create(const struct spam_engine_settings *settings,
                         struct spam_tables **out_tables)
{
    return create(settings, NULL, out_tables);
}

void spam_tables_destroy(struct spam_tables **tables)
{
    if (!*tables)
        return;
    map_close(&(*tables)->freemail);
    map_close(&(*tables)->shorteners);
    map_close(&(*tables)->skip);
    arena_close(&(*tables)->arena);
    free(*tables);
    *tables = NULL;
}

void spam_engine_settings_check(const struct spam_engine_settings *settings,
                                struct buffer *problems)
{
    struct spam_tables *tables = NULL;
    error problem = create(settings, problems, &tables);
    if (failed(problem))
        buffer_format(problems, "spam: %s\n", problem.text);
    spam_tables_destroy(&tables);
}
