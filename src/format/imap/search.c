/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/imap/search.h"

#include "base/utf8.h"
#include "format/imap/date.h"
#include "format/imap/flag.h"
#include "format/imap/limits.h"
#include "format/imap/token.h"

enum argument {
    ARGUMENT_NONE,
    ARGUMENT_KEYWORD,
    ARGUMENT_NUMBER,
    ARGUMENT_DATE,
    ARGUMENT_SECONDS,
    ARGUMENT_STRING,
    ARGUMENT_FIELD, /* and a string */
    ARGUMENT_SET,
    ARGUMENT_KEY,
    ARGUMENT_TWO_KEYS,
};

struct key {
    slice name;
    enum argument argument;
    struct imap_search_node node;
};

#define NAME(literal)                                                                              \
    {                                                                                              \
        literal, sizeof literal - 1                                                                \
    }
#define FLAG(name, flag_)                                                                          \
    {NAME(name), ARGUMENT_NONE, {.kind = IMAP_SEARCH_FLAG, .flag = flag_, .wanted = true}},        \
    {                                                                                              \
        NAME("UN" name), ARGUMENT_NONE,                                                            \
        {                                                                                          \
            .kind = IMAP_SEARCH_FLAG, .flag = flag_                                                \
        }                                                                                          \
    }
#define DATE(name, kind_)                                                                          \
    {                                                                                              \
        NAME(name), ARGUMENT_DATE,                                                                 \
        {                                                                                          \
            .kind = kind_                                                                          \
        }                                                                                          \
    }
#define FIELD(name)                                                                                \
    {                                                                                              \
        NAME(name), ARGUMENT_STRING,                                                               \
        {                                                                                          \
            .kind = IMAP_SEARCH_HEADER, .field = NAME(name)                                        \
        }                                                                                          \
    }

/* RFC 3501 6.4.4. NEW is two keys in one and is made in take_key. */
static const struct key KEYS[] = {
    {NAME("ALL"), ARGUMENT_NONE, {.kind = IMAP_SEARCH_AND}},
    FLAG("ANSWERED", IMAP_FLAG_ANSWERED),
    FLAG("DELETED", IMAP_FLAG_DELETED),
    FLAG("DRAFT", IMAP_FLAG_DRAFT),
    FLAG("FLAGGED", IMAP_FLAG_FLAGGED),
    FLAG("SEEN", IMAP_FLAG_SEEN),
    {NAME("RECENT"),
     ARGUMENT_NONE,
     {.kind = IMAP_SEARCH_FLAG, .flag = IMAP_FLAG_RECENT, .wanted = true}},
    {NAME("OLD"), ARGUMENT_NONE, {.kind = IMAP_SEARCH_FLAG, .flag = IMAP_FLAG_RECENT}},
    {NAME("NEW"), ARGUMENT_NONE, {.kind = IMAP_SEARCH_AND}},
    {NAME("KEYWORD"), ARGUMENT_KEYWORD, {.kind = IMAP_SEARCH_KEYWORD, .wanted = true}},
    {NAME("UNKEYWORD"), ARGUMENT_KEYWORD, {.kind = IMAP_SEARCH_KEYWORD}},
    {NAME("LARGER"), ARGUMENT_NUMBER, {.kind = IMAP_SEARCH_LARGER}},
    {NAME("SMALLER"), ARGUMENT_NUMBER, {.kind = IMAP_SEARCH_SMALLER}},
    DATE("BEFORE", IMAP_SEARCH_BEFORE),
    DATE("ON", IMAP_SEARCH_ON),
    DATE("SINCE", IMAP_SEARCH_SINCE),
    DATE("SENTBEFORE", IMAP_SEARCH_SENT_BEFORE),
    DATE("SENTON", IMAP_SEARCH_SENT_ON),
    DATE("SENTSINCE", IMAP_SEARCH_SENT_SINCE),
    {NAME("OLDER"), ARGUMENT_SECONDS, {.kind = IMAP_SEARCH_OLDER}},
    {NAME("YOUNGER"), ARGUMENT_SECONDS, {.kind = IMAP_SEARCH_YOUNGER}},
    FIELD("FROM"),
    FIELD("TO"),
    FIELD("CC"),
    FIELD("BCC"),
    FIELD("SUBJECT"),
    {NAME("HEADER"), ARGUMENT_FIELD, {.kind = IMAP_SEARCH_HEADER}},
    {NAME("BODY"), ARGUMENT_STRING, {.kind = IMAP_SEARCH_BODY}},
    {NAME("TEXT"), ARGUMENT_STRING, {.kind = IMAP_SEARCH_TEXT}},
    {NAME("UID"), ARGUMENT_SET, {.kind = IMAP_SEARCH_UID}},
    {NAME("NOT"), ARGUMENT_KEY, {.kind = IMAP_SEARCH_NOT}},
    {NAME("OR"), ARGUMENT_TWO_KEYS, {.kind = IMAP_SEARCH_OR}},
};

struct parser {
    struct cursor c;
    struct arena *arena;
    unsigned keys;
    unsigned depth;
};

static error take_key(struct parser *p, struct imap_search_node **out_node);

static error make_node(struct parser *p, struct imap_search_node content,
                       struct imap_search_node **out_node)
{
    if (++p->keys > IMAP_SEARCH_KEYS_MAX)
        return error_make(ERROR_LIMIT, "too many search keys");
    struct imap_search_node *node = ARENA_NEW(p->arena, struct imap_search_node);
    TRY_MEMORY(node);
    *node = content;
    *out_node = node;
    return OK;
}

static error take_text(struct parser *p, slice *out_text)
{
    TRY(imap_take_space(&p->c));
    TRY(imap_take_astring(&p->c, p->arena, out_text));
    return utf8_is_valid(*out_text) ? OK
                                    : error_make(ERROR_MALFORMED, "a search string is not UTF-8");
}

static error take_date(struct parser *p, struct imap_search_node *node)
{
    int32_t days;
    TRY(imap_date_parse(&p->c, &days));
    node->number = days < 0 ? 0 : (uint64_t)days; /* nothing was received before 1970 */
    return OK;
}

static error take_seconds(struct parser *p, struct imap_search_node *node)
{
    uint32_t seconds; /* RFC 5032 3: nz-number */
    TRY(imap_take_nz_number(&p->c, &seconds));
    node->number = seconds;
    return OK;
}

/* Keys inside NOT, OR and parentheses. */
static error take_inner_key(struct parser *p, struct imap_search_node **out_node)
{
    TRY(imap_take_space(&p->c));
    return take_key(p, out_node);
}

static error take_argument(struct parser *p, enum argument argument, struct imap_search_node *node)
{
    switch (argument) {
    case ARGUMENT_NONE:
        return OK;
    case ARGUMENT_KEYWORD:
        TRY(imap_take_space(&p->c));
        return imap_take_atom(&p->c, &node->text);
    case ARGUMENT_NUMBER:
        TRY(imap_take_space(&p->c));
        return imap_take_number(&p->c, INT64_MAX, &node->number);
    case ARGUMENT_DATE:
        TRY(imap_take_space(&p->c));
        return take_date(p, node);
    case ARGUMENT_SECONDS:
        TRY(imap_take_space(&p->c));
        return take_seconds(p, node);
    case ARGUMENT_FIELD:
        TRY(imap_take_space(&p->c));
        TRY(imap_take_astring(&p->c, p->arena, &node->field));
        return take_text(p, &node->text);
    case ARGUMENT_STRING:
        return take_text(p, &node->text);
    case ARGUMENT_SET:
        TRY(imap_take_space(&p->c));
        return imap_set_parse(&p->c, p->arena, &node->set);
    case ARGUMENT_KEY:
        return take_inner_key(p, &node->children);
    case ARGUMENT_TWO_KEYS:
        TRY(take_inner_key(p, &node->children));
        return take_inner_key(p, &node->children->next);
    }
    return error_make(ERROR_BUG, "unknown search argument");
}

/* NEW is (RECENT UNSEEN). */
static error make_new(struct parser *p, struct imap_search_node *both)
{
    TRY(make_node(p, (struct imap_search_node){.kind = IMAP_SEARCH_FLAG, .flag = IMAP_FLAG_SEEN},
                  &both->children));
    return make_node(p,
                     (struct imap_search_node){
                         .kind = IMAP_SEARCH_FLAG, .flag = IMAP_FLAG_RECENT, .wanted = true},
                     &both->children->next);
}

static error take_named_key(struct parser *p, struct imap_search_node **out_node)
{
    slice word;
    TRY(imap_take_atom(&p->c, &word));
    for (size_t i = 0; i < sizeof KEYS / sizeof *KEYS; i++) {
        const struct key *key = &KEYS[i];
        if (!slice_equal_nocase(word, key->name))
            continue;
        TRY(make_node(p, key->node, out_node));
        if (slice_equal(key->name, SLICE("NEW")))
            return make_new(p, *out_node);
        return take_argument(p, key->argument, *out_node);
    }
    return error_make(ERROR_MALFORMED, "unknown search key");
}

/* Keys separated by spaces, as children of one AND; `closed`: up to ")". */
static error take_keys(struct parser *p, bool closed, struct imap_search_node **out_node)
{
    TRY(make_node(p, (struct imap_search_node){.kind = IMAP_SEARCH_AND}, out_node));
    struct imap_search_node **tail = &(*out_node)->children;
    bool more = true;
    while (more) {
        TRY(take_key(p, tail));
        tail = &(*tail)->next;
        if (closed)
            TRY(imap_take_next_in_list(&p->c, &more));
        else
            more = cursor_take_byte(&p->c, ' ');
    }
    return OK;
}

static error take_key(struct parser *p, struct imap_search_node **out_node)
{
    if (p->depth == IMAP_SEARCH_DEPTH_MAX)
        return error_make(ERROR_LIMIT, "search keys are nested too deep");
    p->depth++;
    int next = cursor_peek(&p->c);
    if (cursor_take_byte(&p->c, '('))
        TRY(take_keys(p, true, out_node));
    else if (next == '*' || ascii_is_digit((char)next)) {
        TRY(make_node(p, (struct imap_search_node){.kind = IMAP_SEARCH_SEQUENCE}, out_node));
        TRY(imap_set_parse(&p->c, p->arena, &(*out_node)->set));
    } else
        TRY(take_named_key(p, out_node));
    p->depth--;
    return OK;
}

/* ["CHARSET" SP astring SP]; both accepted charsets are UTF-8. */
static error take_charset(struct parser *p, bool *out_known)
{
    *out_known = true;
    if (!imap_try_word(&p->c, SLICE("CHARSET")))
        return OK;
    slice charset;
    TRY(imap_take_space(&p->c));
    TRY(imap_take_astring(&p->c, p->arena, &charset));
    TRY(imap_take_space(&p->c));
    *out_known = slice_equal_nocase(charset, SLICE("UTF-8")) ||
                 slice_equal_nocase(charset, SLICE("US-ASCII")) ||
                 slice_equal_nocase(charset, SLICE("ASCII"));
    return OK;
}

error imap_search_parse(struct cursor *c, struct arena *arena, struct imap_search *out_search)
{
    struct parser p = {.c = *c, .arena = arena};
    struct imap_search search = {0};
    bool known;
    TRY(imap_take_space(&p.c));
    TRY(take_charset(&p, &known));
    if (known) {
        TRY(take_keys(&p, false, &search.root));
        TRY(imap_take_end(&p.c));
    } else
        p.c.at = p.c.end; /* in that charset the rest means nothing to us */
    search.bad_charset = !known;
    *c = p.c;
    *out_search = search;
    return OK;
}
