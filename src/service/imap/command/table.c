/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/imap/command/command.h"

#define SECONDS(variable, command)                                                                 \
    METRIC_HISTOGRAM(variable, "ringmail_imap_command_seconds", "command=\"" command "\"",         \
                     "Time from a command being read to its answer")
SECONDS(login_seconds, "login");
SECONDS(list_seconds, "list");
SECONDS(select_seconds, "select");
SECONDS(status_seconds, "status");
SECONDS(append_seconds, "append");
SECONDS(fetch_seconds, "fetch");
SECONDS(store_seconds, "store");
SECONDS(search_seconds, "search");
SECONDS(copy_seconds, "copy");
SECONDS(expunge_seconds, "expunge");
SECONDS(idle_seconds, "idle");
SECONDS(other_seconds, "other");

enum {
    STRANGER = IMAP_STATE_STRANGER,
    USER = IMAP_STATE_LOGGED_IN | IMAP_STATE_SELECTED,
    ANY = STRANGER | USER,
    SELECTED = IMAP_STATE_SELECTED,
};

#define ROW(verb, states_, expunges_, function, seconds_)                                          \
    [IMAP_##verb] = {states_,                                                                      \
                     expunges_,                                                                    \
                     imap_command_##function,                                                      \
                     &seconds_##_seconds,                                                          \
                     {#verb " completed", sizeof #verb " completed" - 1}}

const struct imap_command_row imap_command_table[IMAP_VERB_COUNT] = {
    ROW(CAPABILITY, ANY, true, capability, other),
    ROW(NOOP, ANY, true, noop, other),
    ROW(LOGOUT, ANY, false, logout, other),
    ROW(ID, ANY, true, id, other),
    ROW(STARTTLS, STRANGER, false, starttls, other),
    ROW(AUTHENTICATE, STRANGER, false, authenticate, login),
    ROW(LOGIN, STRANGER, false, login, login),
    ROW(ENABLE, USER, true, enable, other),
    ROW(NAMESPACE, USER, true, namespace, list),
    ROW(SELECT, USER, false, select, select),
    ROW(EXAMINE, USER, false, select, select),
    ROW(CREATE, USER, true, create, other),
    ROW(DELETE, USER, true, delete, other),
    ROW(RENAME, USER, true, rename, other),
    ROW(SUBSCRIBE, USER, true, subscribe, other),
    ROW(UNSUBSCRIBE, USER, true, subscribe, other),
    ROW(LIST, USER, true, list, list),
    ROW(LSUB, USER, true, lsub, list),
    ROW(STATUS, USER, true, status, status),
    ROW(APPEND, USER, true, append, append),
    ROW(IDLE, USER, true, idle, idle),
    ROW(CHECK, SELECTED, true, check, other),
    ROW(CLOSE, SELECTED, false, close, other),
    ROW(UNSELECT, SELECTED, false, close, other),
    ROW(EXPUNGE, SELECTED, true, expunge, expunge),
    ROW(SEARCH, SELECTED, false, search, search),
    ROW(FETCH, SELECTED, false, fetch, fetch),
    ROW(STORE, SELECTED, false, store, store),
    ROW(COPY, SELECTED, true, copy, copy),
    ROW(MOVE, SELECTED, true, copy, copy),
};
