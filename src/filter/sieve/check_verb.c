/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What single commands and tests want of their arguments, as far as a script alone can tell: what
 * variables make of a string shows when it runs.
 */
#include "data/scripts/scripts.h"
#include "filter/sieve/check.h"
#include "format/mail/address.h"
#include "format/text/regex.h"

enum { PATTERN_SHOWN_MAX = 60 }; /* bytes, in a problem */

/* RFC 5228 5.1: address headers (RFC 5322, 2822, 8058's relatives, and those in use). */
static const char *const address_headers[] = {
    "from",
    "to",
    "cc",
    "bcc",
    "sender",
    "reply-to",
    "resent-from",
    "resent-to",
    "resent-cc",
    "resent-bcc",
    "resent-sender",
    "resent-reply-to",
    "return-path",
    "errors-to",
    "delivered-to",
    "x-original-to",
    "envelope-to",
    "x-envelope-from",
    "disposition-notification-to",
    "approved",
    "mail-followup-to",
    "mail-reply-to",
    "return-receipt-to",
    "x-delivered-to",
    "envelope-from",
    "x-envelope-to",
    "abuse-reports-to",
    "x-beenthere",
    "list-post",
    "apparently-to",
};

bool sieve_check_is_variable(const struct sieve_checker *c, slice text)
{
    return sieve_requires(c->script, SIEVE_EXTENSION_VARIABLES) &&
           slice_find(text, SLICE("${")) >= 0;
}

static bool is_identifier(slice name)
{
    if (name.size == 0 || ascii_is_digit(name.data[0]))
        return false;
    for (size_t i = 0; i < name.size; i++)
        if (!ascii_is_alpha(name.data[i]) && !ascii_is_digit(name.data[i]) && name.data[i] != '_')
            return false;
    return true;
}

bool sieve_name_take_global(const struct sieve_script *script, slice *name)
{
    const slice global = SLICE("global.");
    if (!sieve_requires(script, SIEVE_EXTENSION_INCLUDE) || !slice_starts_nocase(*name, global))
        return false;
    *name = slice_from(*name, global.size);
    return true;
}

bool sieve_name_is_variable(const struct sieve_script *script, slice name)
{
    (void)sieve_name_take_global(script, &name);
    return is_identifier(name);
}

bool sieve_name_is_header(slice name)
{
    for (size_t i = 0; i < name.size; i++)
        if (name.data[i] <= ' ' || name.data[i] == ':' || (unsigned char)name.data[i] >= 127)
            return false;
    return name.size > 0;
}

bool sieve_address_is_one(struct arena *arena, slice text)
{
    struct mail_address *first = NULL;
    if (failed(mail_address_parse(arena, text, &first)) || !first || first->next)
        return false;
    return first->kind == MAIL_ADDRESS_MAILBOX && !first->incomplete && first->local.size > 0 &&
           first->domain.size > 0 && slice_find_byte(text, '\n') < 0;
}

static error check_words(struct sieve_checker *c, const struct sieve_argument *list,
                         const char *const *words, size_t count, const char *what)
{
    for (unsigned i = 0; i < list->count; i++) {
        size_t n = 0;
        while (n < count && !slice_equal_nocase(list->strings[i], slice_from_string(words[n])))
            n++;
        if (n == count && !sieve_check_is_variable(c, list->strings[i]))
            return sieve_check_fail(c, list->line, "\"%.*s\" is no %s", SLICE_ARG(list->strings[i]),
                                    what);
    }
    return OK;
}

static error check_comparator(struct sieve_checker *c)
{
    static const struct {
        const char *name;
        enum sieve_comparator comparator;
        enum sieve_extension extension;
    } rows[] = {
        {"i;ascii-casemap", SIEVE_CASEMAP, SIEVE_EXTENSION_NONE},
        {"i;octet", SIEVE_OCTET, SIEVE_EXTENSION_NONE},
        {"i;ascii-numeric", SIEVE_NUMERIC, SIEVE_EXTENSION_COMPARATOR_NUMERIC},
        {"i;unicode-casemap", SIEVE_UNICODE, SIEVE_EXTENSION_COMPARATOR_UNICODE},
    };
    const struct sieve_argument *said = c->meaning->tags[SIEVE_TAG_COMPARATOR];
    for (size_t i = 0; said && i < sizeof rows / sizeof *rows; i++)
        if (slice_equal(said->strings[0], slice_from_string(rows[i].name))) {
            c->meaning->comparator = rows[i].comparator;
            return sieve_check_required(c, said->line, rows[i].name, rows[i].extension);
        }
    if (said)
        return sieve_check_fail(c, said->line, "comparator \"%.*s\" is not known",
                                SLICE_ARG(said->strings[0]));
    return OK;
}

/* RFC 5231 4 */
static error check_relation(struct sieve_checker *c, const struct sieve_argument *said)
{
    static const char *const names[] = {"gt", "ge", "lt", "le", "eq", "ne"};
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
        if (slice_equal_nocase(said->strings[0], slice_from_string(names[i]))) {
            c->meaning->relation = (enum sieve_relation)i;
            return OK;
        }
    return sieve_check_fail(c, said->line, "\"%.*s\" is none of gt, ge, lt, le, eq, ne",
                            SLICE_ARG(said->strings[0]));
}

/* Of a test, and of deleteheader: what stands last. NULL: it was left out (RFC 5293 5). */
static const struct sieve_argument *keys_of(const struct sieve_checker *c)
{
    const char *kinds = c->word->arguments;
    size_t count = strlen(kinds) - (kinds[0] == '|') - (kinds[strlen(kinds) - 1] == '|');
    return c->meaning->positional[count - 1];
}

/* What is wrong with an expression shows when the script is stored. Those with variables, and those
 * that are folded like what they are compared to, are compiled when it runs. */
static error check_patterns(struct sieve_checker *c)
{
    const struct sieve_argument *keys = keys_of(c);
    unsigned count = keys ? keys->count : 0;
    const struct regex **patterns = ARENA_ARRAY(&c->script->arena, const struct regex *, count + 1);
    TRY_MEMORY(patterns);
    for (unsigned i = 0; i < count; i++) {
        if (sieve_check_is_variable(c, keys->strings[i]))
            continue;
        error problem = regex_compile(keys->strings[i], c->meaning->comparator == SIEVE_CASEMAP,
                                      &c->script->arena, &patterns[i]);
        if (problem.kind == ERROR_MALFORMED || problem.kind == ERROR_LIMIT)
            return sieve_check_fail(c, keys->line, "regex \"%.*s\": %s",
                                    SLICE_ARG(slice_sub(keys->strings[i], 0, PATTERN_SHOWN_MAX)),
                                    problem.text);
        TRY(problem);
    }
    if (c->meaning->comparator != SIEVE_UNICODE)
        c->meaning->patterns = patterns;
    return OK;
}

static error check_match(struct sieve_checker *c, unsigned line)
{
    const struct sieve_argument *const *tags = c->meaning->tags;
    struct sieve_meaning *m = c->meaning;
    TRY(check_comparator(c));
    m->match = tags[SIEVE_TAG_CONTAINS]  ? SIEVE_CONTAINS
               : tags[SIEVE_TAG_MATCHES] ? SIEVE_MATCHES
               : tags[SIEVE_TAG_VALUE]   ? SIEVE_VALUE
               : tags[SIEVE_TAG_COUNT]   ? SIEVE_COUNT
               : tags[SIEVE_TAG_REGEX]   ? SIEVE_REGEX
                                         : SIEVE_IS;
    if (m->match == SIEVE_VALUE)
        TRY(check_relation(c, tags[SIEVE_TAG_VALUE]));
    if (m->match == SIEVE_COUNT)
        TRY(check_relation(c, tags[SIEVE_TAG_COUNT]));
    if (m->match == SIEVE_REGEX)
        TRY(check_patterns(c));
    if (m->comparator == SIEVE_NUMERIC &&
        (m->match == SIEVE_CONTAINS || m->match == SIEVE_MATCHES || m->match == SIEVE_REGEX))
        return sieve_check_fail(c, line,
                                "numbers cannot be compared by :contains, :matches or :regex");
    m->part = tags[SIEVE_TAG_LOCALPART] ? SIEVE_PART_LOCAL
              : tags[SIEVE_TAG_DOMAIN]  ? SIEVE_PART_DOMAIN
              : tags[SIEVE_TAG_USER]    ? SIEVE_PART_USER
              : tags[SIEVE_TAG_DETAIL]  ? SIEVE_PART_DETAIL
                                        : SIEVE_PART_ALL;
    return OK;
}

/* RFC 5260 6 */
static error check_index(struct sieve_checker *c, unsigned line)
{
    const struct sieve_argument *index = c->meaning->tags[SIEVE_TAG_INDEX];
    bool may = c->word->tags >> SIEVE_TAG_INDEX & 1;
    bool edits = c->meaning->verb == SIEVE_VERB_DELETEHEADER;
    if (may && c->meaning->tags[SIEVE_TAG_LAST] && !index)
        return sieve_check_fail(c, line, "\":last\" needs \":index\"");
    if (!index)
        return OK;
    if (!edits) /* RFC 5293 5 has an :index of its own */
        TRY(sieve_check_required(c, index->line, ":index", SIEVE_EXTENSION_INDEX));
    return index->number ? OK : sieve_check_fail(c, index->line, "\":index\" counts from 1");
}

static error check_flag_variable(struct sieve_checker *c)
{
    const struct sieve_argument *variable = c->meaning->positional[0];
    if (!variable)
        return OK;
    return sieve_check_required(c, variable->line, "a flag variable", SIEVE_EXTENSION_VARIABLES);
}

static error check_redirect(struct sieve_checker *c)
{
    static const char *const ret[] = {"full", "hdrs"};
    const struct sieve_argument *to = c->meaning->positional[0];
    if (c->meaning->tags[SIEVE_TAG_RET])
        TRY(check_words(c, c->meaning->tags[SIEVE_TAG_RET], ret, 2, "\":ret\" (FULL, HDRS)"));
    if (sieve_check_is_variable(c, to->strings[0]))
        return OK;
    if (!sieve_address_is_one(&c->script->arena, to->strings[0]))
        return sieve_check_fail(c, to->line, "\"%.*s\" is no address to redirect to",
                                SLICE_ARG(to->strings[0]));
    return OK;
}

static error check_notify(struct sieve_checker *c)
{
    static const char *const importance[] = {"1", "2", "3"};
    const struct sieve_argument *said = c->meaning->tags[SIEVE_TAG_IMPORTANCE],
                                *method = c->meaning->positional[0];
    if (said)
        TRY(check_words(c, said, importance, 3, "importance (1, 2, 3)")); /* RFC 5435 3.4 */
    if (!sieve_check_is_variable(c, method->strings[0]) &&
        !slice_starts_nocase(method->strings[0], SLICE("mailto:")))
        return sieve_check_fail(c, method->line, "notify knows only \"mailto:\"");
    return OK;
}

static error check_fcc(struct sieve_checker *c, unsigned line)
{
    static const enum sieve_tag parts[] = {SIEVE_TAG_CREATE, SIEVE_TAG_FLAGS, SIEVE_TAG_SPECIALUSE};
    for (unsigned i = 0; i < 3 && !c->meaning->tags[SIEVE_TAG_FCC]; i++)
        if (c->meaning->tags[parts[i]])
            return sieve_check_fail(c, line, "\":%s\" needs \":fcc\" here",
                                    sieve_tag_words[parts[i]].name);
    return OK;
}

static error check_header_edit(struct sieve_checker *c)
{
    const struct sieve_argument *name = c->meaning->positional[0];
    if (!sieve_check_is_variable(c, name->strings[0]) && !sieve_name_is_header(name->strings[0]))
        return sieve_check_fail(c, name->line, "\"%.*s\" cannot be the name of a header field",
                                SLICE_ARG(name->strings[0]));
    return OK;
}

static error check_date(struct sieve_checker *c, const struct sieve_argument *part)
{
    /* RFC 5260 4.2 */
    static const char *const parts[] = {"year",  "month",  "day",    "date", "julian",
                                        "hour",  "minute", "second", "time", "iso8601",
                                        "std11", "zone",   "weekday"};
    return check_words(c, part, parts, sizeof parts / sizeof *parts, "part of a date");
}

static error check_set(struct sieve_checker *c)
{
    const struct sieve_argument *name = c->meaning->positional[0];
    if (!sieve_name_is_variable(c->script, name->strings[0]))
        return sieve_check_fail(c, name->line, "\"%.*s\" cannot be the name of a variable",
                                SLICE_ARG(name->strings[0]));
    return OK;
}

/* Whether it is there shows when it runs: scripts are uploaded in any order (RFC 6609 3.2). */
static error check_include(struct sieve_checker *c)
{
    const struct sieve_argument *name = c->meaning->positional[0];
    if (sieve_check_is_variable(c, name->strings[0])) /* RFC 6609 3.2: a constant string */
        return sieve_check_fail(c, name->line, "\"include\" takes no variables");
    if (failed(script_name_check(name->strings[0])))
        return sieve_check_fail(c, name->line, "\"%.*s\" cannot be the name of a script",
                                SLICE_ARG(name->strings[0]));
    return OK;
}

static error check_global(struct sieve_checker *c)
{
    const struct sieve_argument *names = c->meaning->positional[0];
    TRY(sieve_check_required(c, names->line, "global", SIEVE_EXTENSION_VARIABLES));
    for (unsigned i = 0; i < names->count; i++)
        if (!is_identifier(names->strings[i]))
            return sieve_check_fail(c, names->line, "\"%.*s\" cannot be the name of a variable",
                                    SLICE_ARG(names->strings[i]));
    return OK;
}

error sieve_check_verb(struct sieve_checker *c, struct sieve_node *node)
{
    static const char *const envelope[] = {"from", "to", "auth"};
    struct sieve_meaning *m = c->meaning;
    TRY(check_match(c, node->line));
    TRY(check_index(c, node->line));
    switch (m->verb) {
    case SIEVE_VERB_ADDRESS:
        return check_words(c, m->positional[0], address_headers,
                           sizeof address_headers / sizeof *address_headers,
                           "header field of addresses");
    case SIEVE_VERB_ENVELOPE:
        return check_words(c, m->positional[0], envelope, 3, "part of the envelope");
    case SIEVE_VERB_SIZE:
        return m->tags[SIEVE_TAG_OVER] || m->tags[SIEVE_TAG_UNDER]
                   ? OK
                   : sieve_check_fail(c, node->line, "\"size\" needs :over or :under");
    case SIEVE_VERB_SETFLAG:
    case SIEVE_VERB_ADDFLAG:
    case SIEVE_VERB_REMOVEFLAG:
    case SIEVE_VERB_HASFLAG:
        return check_flag_variable(c);
    case SIEVE_VERB_VACATION:
        if (m->tags[SIEVE_TAG_SECONDS])
            TRY(sieve_check_required(c, node->line, ":seconds", SIEVE_EXTENSION_VACATION_SECONDS));
        return check_fcc(c, node->line);
    case SIEVE_VERB_REDIRECT:
        return check_redirect(c);
    case SIEVE_VERB_NOTIFY:
        TRY(check_notify(c));
        return check_fcc(c, node->line);
    case SIEVE_VERB_ADDHEADER:
    case SIEVE_VERB_DELETEHEADER:
        return check_header_edit(c);
    case SIEVE_VERB_DATE:
        return check_date(c, m->positional[1]);
    case SIEVE_VERB_CURRENTDATE:
        return check_date(c, m->positional[0]);
    case SIEVE_VERB_SET:
        return check_set(c);
    case SIEVE_VERB_INCLUDE:
        return check_include(c);
    case SIEVE_VERB_GLOBAL:
        return check_global(c);
    default:
        return OK;
    }
}
