/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/managesieve/command/command.h"

#define SECONDS(variable, command)                                                                 \
    METRIC_HISTOGRAM(variable, "ringmail_managesieve_command_seconds", "command=\"" command "\"",  \
                     "Time from a command being read to its answer")
SECONDS(login_seconds, "login");
SECONDS(read_seconds, "read");
SECONDS(check_seconds, "check");
SECONDS(write_seconds, "write");
SECONDS(other_seconds, "other");

enum {
    STRANGER = MANAGESIEVE_STATE_STRANGER,
    USER = MANAGESIEVE_STATE_LOGGED_IN,
    ANY = STRANGER | USER,
};

#define ROW(verb, states_, function, seconds_, done_)                                              \
    [MANAGESIEVE_##verb] = {                                                                       \
        states_, managesieve_command_##function, &seconds_##_seconds, {done_, sizeof done_ - 1}}

const struct managesieve_command_row managesieve_command_table[MANAGESIEVE_VERB_COUNT] = {
    ROW(AUTHENTICATE, STRANGER, authenticate, login, "logged in"),
    ROW(STARTTLS, STRANGER, starttls, login, "begin TLS now"),
    ROW(LOGOUT, ANY, logout, other, "logging out"),
    ROW(CAPABILITY, ANY, capability, other, ""),
    ROW(HAVESPACE, USER, havespace, read, "there is room"),
    ROW(PUTSCRIPT, USER, putscript, write, "stored"),
    ROW(LISTSCRIPTS, USER, listscripts, read, ""),
    ROW(SETACTIVE, USER, setactive, write, "done"),
    ROW(GETSCRIPT, USER, getscript, read, ""),
    ROW(DELETESCRIPT, USER, deletescript, write, "removed"),
    ROW(RENAMESCRIPT, USER, renamescript, write, "renamed"),
    /* RFC 5804 2.12: only for users, so that nobody else can have scripts compiled */
    ROW(CHECKSCRIPT, USER, checkscript, check, "the script is good"),
    ROW(NOOP, ANY, noop, other, "done"),
    ROW(UNAUTHENTICATE, USER, unauthenticate, other, "nobody is logged in"),
};
