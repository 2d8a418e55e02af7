#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The head of a command: tag, verb and where its arguments start (RFC 3501 2.2.1). What follows is
 * read by the verb's own grammar (fetch.h, search.h ...) or, where it is a word or two, by the
 * verb's file itself with format/imap/token.h. A new verb is a new row here and one in the
 * session's table.
 */
#include "base/cursor.h"
#include "base/error.h"

/* name, may follow UID */
#define IMAP_VERBS(X)                                                                              \
    X(CAPABILITY, false)                                                                           \
    X(NOOP, false)                                                                                 \
    X(LOGOUT, false)                                                                               \
    X(ID, false)                                                                                   \
    X(STARTTLS, false)                                                                             \
    X(AUTHENTICATE, false)                                                                         \
    X(LOGIN, false)                                                                                \
    X(ENABLE, false)                                                                               \
    X(NAMESPACE, false)                                                                            \
    X(SELECT, false)                                                                               \
    X(EXAMINE, false)                                                                              \
    X(CREATE, false)                                                                               \
    X(DELETE, false)                                                                               \
    X(RENAME, false)                                                                               \
    X(SUBSCRIBE, false)                                                                            \
    X(UNSUBSCRIBE, false)                                                                          \
    X(LIST, false)                                                                                 \
    X(LSUB, false)                                                                                 \
    X(STATUS, false)                                                                               \
    X(APPEND, false)                                                                               \
    X(IDLE, false)                                                                                 \
    X(CHECK, false)                                                                                \
    X(CLOSE, false)                                                                                \
    X(UNSELECT, false)                                                                             \
    X(EXPUNGE, true)                                                                               \
    X(SEARCH, true)                                                                                \
    X(FETCH, true)                                                                                 \
    X(STORE, true)                                                                                 \
    X(COPY, true)                                                                                  \
    X(MOVE, true)

enum imap_verb {
#define X(name, uid) IMAP_##name,
    IMAP_VERBS(X)
#undef X
        IMAP_VERB_COUNT,
    IMAP_VERB_UNKNOWN = IMAP_VERB_COUNT
};

struct imap_command {
    slice tag;
    enum imap_verb verb;
    bool uid;                /* UID FETCH, UID COPY ... */
    struct cursor arguments; /* at the space behind the verb, or at the end */
};

/* ERROR_MALFORMED without a tag: there is nothing to answer to by name. A command whose verb is
 * missing or unknown parses as IMAP_VERB_UNKNOWN. */
error imap_command_parse(slice text, struct imap_command *out_command);
/* "FETCH" */
const char *imap_verb_name(enum imap_verb verb);
