/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "filter/sieve/words.h"

const char *const sieve_extension_names[SIEVE_EXTENSION_COUNT] = {
#define X(name, text) [SIEVE_EXTENSION_##name] = text,
    SIEVE_EXTENSIONS(X)
#undef X
};

slice sieve_capabilities(void)
{
#define X(name, text) " " text
    static const char all[] = SIEVE_EXTENSIONS(X);
#undef X
    return slice_of(all + 1, sizeof all - 2);
}

slice sieve_notify_methods(void)
{
    return SLICE("mailto");
}

enum sieve_extension sieve_extension_find(slice name)
{
    for (enum sieve_extension e = 0; e < SIEVE_EXTENSION_COUNT; e++)
        if (slice_equal(name, slice_from_string(sieve_extension_names[e])))
            return e;
    return SIEVE_EXTENSION_NONE;
}

const struct sieve_tag_word sieve_tag_words[SIEVE_TAGS] = {
#define X(name, text, value, extension)                                                            \
    [SIEVE_TAG_##name] = {text, value, SIEVE_EXTENSION_##extension},
    SIEVE_TAGS_(X)
#undef X
};

#define T(name) (1ull << SIEVE_TAG_##name)
#define MATCH (T(COMPARATOR) | T(IS) | T(CONTAINS) | T(MATCHES) | T(VALUE) | T(COUNT) | T(REGEX))
#define PART (T(ALL) | T(LOCALPART) | T(DOMAIN) | T(USER) | T(DETAIL))
#define FCC (T(FCC) | T(CREATE) | T(FLAGS) | T(SPECIALUSE))
#define NTH (T(INDEX) | T(LAST))
#define WORD(verb, name, extension, ...)                                                           \
    [SIEVE_VERB_##verb] = {name, SIEVE_EXTENSION_##extension, __VA_ARGS__}

const struct sieve_word sieve_words[SIEVE_VERB_COUNT] = {
    WORD(REQUIRE, "require", NONE, "l", 0, 0, false),
    WORD(IF, "if", NONE, "", 0, '1', true),
    WORD(ELSIF, "elsif", NONE, "", 0, '1', true),
    WORD(ELSE, "else", NONE, "", 0, 0, true),
    WORD(STOP, "stop", NONE, "", 0, 0, false),
    WORD(KEEP, "keep", NONE, "", T(FLAGS), 0, false),
    WORD(DISCARD, "discard", NONE, "", 0, 0, false),
    WORD(FILEINTO, "fileinto", FILEINTO, "s", T(COPY) | T(CREATE) | T(FLAGS) | T(SPECIALUSE), 0,
         false),
    WORD(REDIRECT, "redirect", NONE, "s", T(COPY) | T(NOTIFY) | T(RET), 0, false),
    WORD(REJECT, "reject", REJECT, "s", 0, 0, false),
    WORD(EREJECT, "ereject", EREJECT, "s", 0, 0, false),
    WORD(VACATION, "vacation", VACATION, "s",
         T(DAYS) | T(SECONDS) | T(SUBJECT) | T(FROM) | T(ADDRESSES) | T(MIME) | T(HANDLE) | FCC, 0,
         false),
    WORD(SETFLAG, "setflag", IMAP4FLAGS, "|sl", 0, 0, false),
    WORD(ADDFLAG, "addflag", IMAP4FLAGS, "|sl", 0, 0, false),
    WORD(REMOVEFLAG, "removeflag", IMAP4FLAGS, "|sl", 0, 0, false),
    WORD(SET, "set", VARIABLES, "ss",
         T(LOWER) | T(UPPER) | T(LOWERFIRST) | T(UPPERFIRST) | T(QUOTEWILDCARD) | T(QUOTEREGEX) |
             T(LENGTH) | T(ENCODEURL),
         0, false),
    WORD(NOTIFY, "notify", ENOTIFY, "s", T(FROM) | T(IMPORTANCE) | T(OPTIONS) | T(MESSAGE) | FCC, 0,
         false),
    WORD(ADDHEADER, "addheader", EDITHEADER, "ss", T(LAST), 0, false),
    WORD(DELETEHEADER, "deleteheader", EDITHEADER, "sl|", NTH | MATCH, 0, false),
    WORD(ERROR, "error", IHAVE, "s", 0, 0, false),
    WORD(INCLUDE, "include", INCLUDE, "s", T(PERSONAL) | T(GLOBAL) | T(ONCE) | T(OPTIONAL), 0,
         false),
    WORD(RETURN, "return", INCLUDE, "", 0, 0, false),
    WORD(GLOBAL, "global", INCLUDE, "l", 0, 0, false),
    WORD(ADDRESS, "address", NONE, "ll", MATCH | PART | NTH, 0, false),
    WORD(ALLOF, "allof", NONE, "", 0, '+', false),
    WORD(ANYOF, "anyof", NONE, "", 0, '+', false),
    WORD(ENVELOPE, "envelope", ENVELOPE, "ll", MATCH | PART, 0, false),
    WORD(EXISTS, "exists", NONE, "l", 0, 0, false),
    WORD(FALSE, "false", NONE, "", 0, 0, false),
    WORD(HEADER, "header", NONE, "ll", MATCH | NTH, 0, false),
    WORD(NOT, "not", NONE, "", 0, '1', false),
    WORD(SIZE, "size", NONE, "n", T(OVER) | T(UNDER), 0, false),
    WORD(TRUE, "true", NONE, "", 0, 0, false),
    WORD(HASFLAG, "hasflag", IMAP4FLAGS, "|ll", MATCH, 0, false),
    WORD(STRING, "string", VARIABLES, "ll", MATCH, 0, false),
    WORD(BODY, "body", BODY, "l", MATCH | T(RAW) | T(TEXT) | T(CONTENT), 0, false),
    WORD(DATE, "date", DATE, "ssl", MATCH | NTH | T(ZONE) | T(ORIGINALZONE), 0, false),
    WORD(CURRENTDATE, "currentdate", DATE, "sl", MATCH | T(ZONE), 0, false),
    WORD(DUPLICATE, "duplicate", DUPLICATE, "",
         T(HANDLE) | T(HEADER) | T(UNIQUEID) | T(SECONDS) | T(LAST), 0, false),
    WORD(MAILBOXEXISTS, "mailboxexists", MAILBOX, "l", 0, 0, false),
    WORD(SPECIALUSE_EXISTS, "specialuse_exists", SPECIAL_USE, "|sl", 0, 0, false),
    WORD(IHAVE, "ihave", IHAVE, "l", 0, 0, false),
    WORD(ENVIRONMENT, "environment", ENVIRONMENT, "sl", MATCH, 0, false),
    WORD(VALID_NOTIFY_METHOD, "valid_notify_method", ENOTIFY, "l", 0, 0, false),
    WORD(NOTIFY_METHOD_CAPABILITY, "notify_method_capability", ENOTIFY, "ssl", MATCH, 0, false),
    WORD(SPAMTEST, "spamtest", SPAMTEST, "s", MATCH | T(PERCENT), 0, false),
    WORD(VIRUSTEST, "virustest", VIRUSTEST, "s", MATCH, 0, false),
};
