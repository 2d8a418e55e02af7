#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Bounds of a ManageSieve session; those of the grammar are in format/managesieve/command.h, those
 * of scripts are settings (section "sieve"). Before login a client gets little.
 */
enum {
    MANAGESIEVE_LINE_SIZE_MAX = 8 << 10,
    MANAGESIEVE_COMMAND_SIZE_BEFORE_LOGIN_MAX = 16 << 10, /* lines and literals together */
    MANAGESIEVE_LITERAL_SIZE_BEFORE_LOGIN_MAX = 8 << 10,
    MANAGESIEVE_LITERALS_MAX = 2, /* in one command */
    MANAGESIEVE_COMMANDS_BEFORE_LOGIN_MAX = 50,
    MANAGESIEVE_BAD_COMMANDS_MAX = 20, /* in a row, then the session ends */
    MANAGESIEVE_SKIP_FACTOR = 4, /* a script up to so many times too large is read and dropped, so
                                    that the client can be told; larger: the connection ends */
    MANAGESIEVE_ARENA_SIZE_MAX = 64 << 20, /* of one command: a script and its tree */
    MANAGESIEVE_COMMAND_TIMEOUT_S = 300,   /* to send the rest of a command once it began */
};
