#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * POP3 commands (RFC 1939, 2449, 2595, 5034, 6856): a verb and its arguments in one line. What is
 * parsed points into the line.
 */
#include "base/error.h"
#include "base/slice.h"

#include <stdint.h>

/* name, arguments: n a number, w a word, r the rest of the line, spaces and all; those behind | may
 * be missing */
#define POP3_VERBS(X)                                                                              \
    X(CAPA, "")                                                                                    \
    X(STLS, "")                                                                                    \
    X(AUTH, "|ww")                                                                                 \
    X(USER, "r")                                                                                   \
    X(PASS, "r")                                                                                   \
    X(UTF8, "")                                                                                    \
    X(LANG, "|w")                                                                                  \
    X(STAT, "")                                                                                    \
    X(LIST, "|n")                                                                                  \
    X(UIDL, "|n")                                                                                  \
    X(RETR, "n")                                                                                   \
    X(TOP, "nn")                                                                                   \
    X(DELE, "n")                                                                                   \
    X(RSET, "")                                                                                    \
    X(NOOP, "")                                                                                    \
    X(QUIT, "")

enum pop3_verb {
#define X(name, arguments) POP3_##name,
    POP3_VERBS(X)
#undef X
        POP3_VERB_COUNT,
    POP3_VERB_UNKNOWN = POP3_VERB_COUNT
};

enum { POP3_ARGUMENTS_MAX = 2 };

struct pop3_command {
    enum pop3_verb verb;
    unsigned count;                       /* of arguments given */
    slice texts[POP3_ARGUMENTS_MAX];      /* each argument as it stands */
    uint32_t numbers[POP3_ARGUMENTS_MAX]; /* and its value, where it is a number; those too large
                                             for one are UINT32_MAX */
};

/* `line` without its end. ERROR_MALFORMED with a text fit for -ERR; the verb is told also where the
 * rest is wrong. Blanks at the end are forgiven, except to a password. */
error pop3_command_parse(slice line, struct pop3_command *out_command);
/* "RETR" */
const char *pop3_verb_name(enum pop3_verb verb);
