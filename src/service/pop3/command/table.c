/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/pop3/command/command.h"

#define SECONDS(variable, command)                                                                 \
    METRIC_HISTOGRAM(variable, "ringmail_pop3_command_seconds", "command=\"" command "\"",         \
                     "Time from a command being read to its answer")
SECONDS(login_seconds, "login");
SECONDS(list_seconds, "list");
SECONDS(retr_seconds, "retr");
SECONDS(quit_seconds, "quit");
SECONDS(other_seconds, "other");

enum {
    STRANGER = POP3_STATE_STRANGER,
    USER = POP3_STATE_TRANSACTION,
    ANY = STRANGER | USER,
};

#define ROW(verb, states_, function, seconds_, done_)                                              \
    [POP3_##                                                                                       \
        verb] = {states_, pop3_command_##function, &seconds_##_seconds, {done_, sizeof done_ - 1}}

const struct pop3_command_row pop3_command_table[POP3_VERB_COUNT] = {
    ROW(CAPA, ANY, capa, other, "capabilities follow"),
    ROW(STLS, STRANGER, stls, login, "begin TLS now"),
    ROW(AUTH, STRANGER, auth, login, ""),
    ROW(USER, STRANGER, user, login, "the password, please"),
    ROW(PASS, STRANGER, pass, login, ""),
    ROW(UTF8, STRANGER, utf8, other, "UTF-8 it is"),
    ROW(LANG, ANY, lang, other, ""),
    ROW(STAT, USER, stat, list, ""),
    ROW(LIST, USER, list, list, ""),
    ROW(UIDL, USER, uidl, list, ""),
    ROW(RETR, USER, retr, retr, ""),
    ROW(TOP, USER, top, retr, ""),
    ROW(DELE, USER, dele, other, "marked to be deleted"),
    ROW(RSET, USER, rset, other, "nothing is marked"),
    ROW(NOOP, USER, noop, other, ""),
    ROW(QUIT, ANY, quit, quit, "bye"),
};
