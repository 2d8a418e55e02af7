#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Which commands, tests and tags there are, what they take, and what they need. The checker gives
 * every node of a script's tree a meaning in these terms; the runner reads nothing else. Inside
 * filter/sieve only.
 */
#include "filter/sieve/sieve.h"
#include "format/sieve/syntax.h"

/* As `require` names them; bit numbers. Comparators and what is always there have none. */
#define SIEVE_EXTENSIONS(X)                                                                        \
    X(FILEINTO, "fileinto")                                                                        \
    X(REJECT, "reject")                                                                            \
    X(EREJECT, "ereject")                                                                          \
    X(ENVELOPE, "envelope")                                                                        \
    X(ENCODED_CHARACTER, "encoded-character")                                                      \
    X(VACATION, "vacation")                                                                        \
    X(VACATION_SECONDS, "vacation-seconds")                                                        \
    X(SUBADDRESS, "subaddress")                                                                    \
    X(COMPARATOR_OCTET, "comparator-i;octet")                                                      \
    X(COMPARATOR_CASEMAP, "comparator-i;ascii-casemap")                                            \
    X(COMPARATOR_NUMERIC, "comparator-i;ascii-numeric")                                            \
    X(RELATIONAL, "relational")                                                                    \
    X(IMAP4FLAGS, "imap4flags")                                                                    \
    X(COPY, "copy")                                                                                \
    X(BODY, "body")                                                                                \
    X(VARIABLES, "variables")                                                                      \
    X(ENOTIFY, "enotify")                                                                          \
    X(ENVIRONMENT, "environment")                                                                  \
    X(MAILBOX, "mailbox")                                                                          \
    X(DATE, "date")                                                                                \
    X(INDEX, "index")                                                                              \
    X(IHAVE, "ihave")                                                                              \
    X(DUPLICATE, "duplicate")                                                                      \
    X(EDITHEADER, "editheader")                                                                    \
    X(SPECIAL_USE, "special-use")                                                                  \
    X(COMPARATOR_UNICODE, "comparator-i;unicode-casemap")                                          \
    X(SPAMTEST, "spamtest")                                                                        \
    X(SPAMTESTPLUS, "spamtestplus")                                                                \
    X(VIRUSTEST, "virustest")                                                                      \
    X(REDIRECT_DSN, "redirect-dsn")                                                                \
    X(FCC, "fcc")                                                                                  \
    X(INCLUDE, "include")                                                                          \
    X(REGEX, "regex")

enum sieve_extension {
#define X(name, text) SIEVE_EXTENSION_##name,
    SIEVE_EXTENSIONS(X)
#undef X
        SIEVE_EXTENSION_COUNT,
    SIEVE_EXTENSION_NONE = SIEVE_EXTENSION_COUNT
};

/* Tags: word, the value that follows (0 none, s string, l list, n number), extension. */
#define SIEVE_TAGS_(X)                                                                             \
    X(COMPARATOR, "comparator", 's', NONE)                                                         \
    X(IS, "is", 0, NONE)                                                                           \
    X(CONTAINS, "contains", 0, NONE)                                                               \
    X(MATCHES, "matches", 0, NONE)                                                                 \
    X(VALUE, "value", 's', RELATIONAL)                                                             \
    X(COUNT, "count", 's', RELATIONAL)                                                             \
    X(ALL, "all", 0, NONE)                                                                         \
    X(LOCALPART, "localpart", 0, NONE)                                                             \
    X(DOMAIN, "domain", 0, NONE)                                                                   \
    X(USER, "user", 0, SUBADDRESS)                                                                 \
    X(DETAIL, "detail", 0, SUBADDRESS)                                                             \
    X(COPY, "copy", 0, COPY)                                                                       \
    X(CREATE, "create", 0, MAILBOX)                                                                \
    X(FLAGS, "flags", 'l', IMAP4FLAGS)                                                             \
    X(SPECIALUSE, "specialuse", 's', SPECIAL_USE)                                                  \
    X(DAYS, "days", 'n', NONE)                                                                     \
    X(SECONDS, "seconds", 'n', NONE)                                                               \
    X(SUBJECT, "subject", 's', NONE)                                                               \
    X(FROM, "from", 's', NONE)                                                                     \
    X(ADDRESSES, "addresses", 'l', NONE)                                                           \
    X(MIME, "mime", 0, NONE)                                                                       \
    X(HANDLE, "handle", 's', NONE)                                                                 \
    X(INDEX, "index", 'n', NONE)                                                                   \
    X(LAST, "last", 0, NONE)                                                                       \
    X(ZONE, "zone", 's', NONE)                                                                     \
    X(ORIGINALZONE, "originalzone", 0, NONE)                                                       \
    X(RAW, "raw", 0, NONE)                                                                         \
    X(TEXT, "text", 0, NONE)                                                                       \
    X(CONTENT, "content", 'l', NONE)                                                               \
    X(OVER, "over", 0, NONE)                                                                       \
    X(UNDER, "under", 0, NONE)                                                                     \
    X(HEADER, "header", 's', NONE)                                                                 \
    X(UNIQUEID, "uniqueid", 's', NONE)                                                             \
    X(LOWER, "lower", 0, NONE)                                                                     \
    X(UPPER, "upper", 0, NONE)                                                                     \
    X(LOWERFIRST, "lowerfirst", 0, NONE)                                                           \
    X(UPPERFIRST, "upperfirst", 0, NONE)                                                           \
    X(QUOTEWILDCARD, "quotewildcard", 0, NONE)                                                     \
    X(LENGTH, "length", 0, NONE)                                                                   \
    X(IMPORTANCE, "importance", 's', NONE)                                                         \
    X(OPTIONS, "options", 'l', NONE)                                                               \
    X(MESSAGE, "message", 's', NONE)                                                               \
    X(PERCENT, "percent", 0, SPAMTESTPLUS)                                                         \
    X(NOTIFY, "notify", 's', REDIRECT_DSN)                                                         \
    X(RET, "ret", 's', REDIRECT_DSN)                                                               \
    X(FCC, "fcc", 's', FCC)                                                                        \
    X(ENCODEURL, "encodeurl", 0, ENOTIFY)                                                          \
    X(PERSONAL, "personal", 0, INCLUDE)                                                            \
    X(GLOBAL, "global", 0, INCLUDE)                                                                \
    X(ONCE, "once", 0, INCLUDE)                                                                    \
    X(OPTIONAL, "optional", 0, INCLUDE)                                                            \
    X(REGEX, "regex", 0, REGEX)                                                                    \
    X(QUOTEREGEX, "quoteregex", 0, REGEX)

enum sieve_tag {
#define X(name, text, value, extension) SIEVE_TAG_##name,
    SIEVE_TAGS_(X)
#undef X
        SIEVE_TAGS
};

enum sieve_verb {
    SIEVE_VERB_REQUIRE,
    SIEVE_VERB_IF,
    SIEVE_VERB_ELSIF,
    SIEVE_VERB_ELSE,
    SIEVE_VERB_STOP,
    SIEVE_VERB_KEEP,
    SIEVE_VERB_DISCARD,
    SIEVE_VERB_FILEINTO,
    SIEVE_VERB_REDIRECT,
    SIEVE_VERB_REJECT,
    SIEVE_VERB_EREJECT,
    SIEVE_VERB_VACATION,
    SIEVE_VERB_SETFLAG,
    SIEVE_VERB_ADDFLAG,
    SIEVE_VERB_REMOVEFLAG,
    SIEVE_VERB_SET,
    SIEVE_VERB_NOTIFY,
    SIEVE_VERB_ADDHEADER,
    SIEVE_VERB_DELETEHEADER,
    SIEVE_VERB_ERROR,
    SIEVE_VERB_INCLUDE,
    SIEVE_VERB_RETURN,
    SIEVE_VERB_GLOBAL,
    SIEVE_VERB_FIRST_TEST,
    SIEVE_VERB_ADDRESS = SIEVE_VERB_FIRST_TEST,
    SIEVE_VERB_ALLOF,
    SIEVE_VERB_ANYOF,
    SIEVE_VERB_ENVELOPE,
    SIEVE_VERB_EXISTS,
    SIEVE_VERB_FALSE,
    SIEVE_VERB_HEADER,
    SIEVE_VERB_NOT,
    SIEVE_VERB_SIZE,
    SIEVE_VERB_TRUE,
    SIEVE_VERB_HASFLAG,
    SIEVE_VERB_STRING,
    SIEVE_VERB_BODY,
    SIEVE_VERB_DATE,
    SIEVE_VERB_CURRENTDATE,
    SIEVE_VERB_DUPLICATE,
    SIEVE_VERB_MAILBOXEXISTS,
    SIEVE_VERB_SPECIALUSE_EXISTS,
    SIEVE_VERB_IHAVE,
    SIEVE_VERB_ENVIRONMENT,
    SIEVE_VERB_VALID_NOTIFY_METHOD,
    SIEVE_VERB_NOTIFY_METHOD_CAPABILITY,
    SIEVE_VERB_SPAMTEST,
    SIEVE_VERB_VIRUSTEST,
    SIEVE_VERB_COUNT
};

enum { SIEVE_POSITIONAL_MAX = 3 };

struct sieve_word {
    const char *name;
    enum sieve_extension extension;
    /* s string, l list (or string), n number; "|" before those that may be missing, which are the
     * first ones (RFC 5232 3), and after the last where that may be missing (RFC 5293 5) */
    const char *arguments;
    uint64_t tags; /* bits of enum sieve_tag */
    char tests;    /* 0, '1' one, '+' a list */
    bool block;
};
extern const struct sieve_word sieve_words[SIEVE_VERB_COUNT];
extern const char *const sieve_extension_names[SIEVE_EXTENSION_COUNT];

struct sieve_tag_word {
    const char *name;
    char value;
    enum sieve_extension extension;
};
extern const struct sieve_tag_word sieve_tag_words[SIEVE_TAGS];

enum sieve_match { SIEVE_IS, SIEVE_CONTAINS, SIEVE_MATCHES, SIEVE_VALUE, SIEVE_COUNT, SIEVE_REGEX };
enum sieve_comparator { SIEVE_CASEMAP, SIEVE_OCTET, SIEVE_NUMERIC, SIEVE_UNICODE };
enum sieve_relation { SIEVE_GT, SIEVE_GE, SIEVE_LT, SIEVE_LE, SIEVE_EQ, SIEVE_NE };
enum sieve_part {
    SIEVE_PART_ALL,
    SIEVE_PART_LOCAL,
    SIEVE_PART_DOMAIN,
    SIEVE_PART_USER,
    SIEVE_PART_DETAIL
};

struct regex;

/* What sieve_node.meaning points at. */
struct sieve_meaning {
    enum sieve_verb verb;
    const struct sieve_argument *tags[SIEVE_TAGS]; /* the value, or the tag itself; NULL */
    const struct sieve_argument *positional[SIEVE_POSITIONAL_MAX]; /* NULL: left out */
    enum sieve_match match;
    const struct regex **patterns; /* of the keys of :regex, compiled; NULL: when it runs */
    enum sieve_comparator comparator;
    enum sieve_relation relation;
    enum sieve_part part;
};

static inline const struct sieve_meaning *sieve_meaning_of(const struct sieve_node *node)
{
    return node->meaning;
}

struct sieve_script {
    struct arena arena;
    struct sieve_node *first;
    uint64_t required; /* bits of enum sieve_extension */
};

static inline bool sieve_requires(const struct sieve_script *script, enum sieve_extension extension)
{
    return script->required >> extension & 1;
}

/* An extension by the name that `require` gives; NONE: unknown. */
enum sieve_extension sieve_extension_find(slice name);
