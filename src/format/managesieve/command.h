#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * ManageSieve commands (RFC 5804 2): a verb, then strings and numbers, each behind one space. The
 * strings are IMAP's (quoted, or literals that ask for no leave: "{5+}"), so format/imap/frame.h
 * gathers a command and format/imap/token.h reads its words. What is parsed points into the
 * command, or into the arena where it had to be unescaped.
 */
#include "base/arena.h"
#include "base/cursor.h"
#include "base/error.h"

/* name, arguments: s a string, n a number; those behind | may be missing */
#define MANAGESIEVE_VERBS(X)                                                                       \
    X(AUTHENTICATE, "s|s")                                                                         \
    X(STARTTLS, "")                                                                                \
    X(LOGOUT, "")                                                                                  \
    X(CAPABILITY, "")                                                                              \
    X(HAVESPACE, "sn")                                                                             \
    X(PUTSCRIPT, "ss")                                                                             \
    X(LISTSCRIPTS, "")                                                                             \
    X(SETACTIVE, "s")                                                                              \
    X(GETSCRIPT, "s")                                                                              \
    X(DELETESCRIPT, "s")                                                                           \
    X(RENAMESCRIPT, "ss")                                                                          \
    X(CHECKSCRIPT, "s")                                                                            \
    X(NOOP, "|s")                                                                                  \
    X(UNAUTHENTICATE, "")

enum managesieve_verb {
#define X(name, arguments) MANAGESIEVE_##name,
    MANAGESIEVE_VERBS(X)
#undef X
        MANAGESIEVE_VERB_COUNT,
    MANAGESIEVE_VERB_UNKNOWN = MANAGESIEVE_VERB_COUNT
};

enum managesieve_grammar_limits {
    MANAGESIEVE_ARGUMENTS_MAX = 2,
    MANAGESIEVE_QUOTED_SIZE_MAX = 1024,  /* bytes, RFC 5804 4 */
    MANAGESIEVE_NUMBER_MAX = UINT32_MAX, /* RFC 5804 4 */
};

struct managesieve_command {
    enum managesieve_verb verb;
    unsigned count; /* of strings given */
    slice strings[MANAGESIEVE_ARGUMENTS_MAX];
    uint32_t number;
};

/* ERROR_MALFORMED with a text fit for NO, ERROR_LIMIT. The verb is told also where the rest is
 * wrong. */
error managesieve_command_parse(slice text, struct arena *arena,
                                struct managesieve_command *out_command);
/* The verb alone: while literals are still to come. */
enum managesieve_verb managesieve_verb_of(slice text);
/* "PUTSCRIPT" */
const char *managesieve_verb_name(enum managesieve_verb verb);
/* One string that is a whole line (a SASL response, RFC 5804 2.1); CRLF is not part of `text`. */
error managesieve_string_parse(slice text, struct arena *arena, slice *out_string);
