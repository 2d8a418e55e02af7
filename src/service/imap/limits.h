#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Bounds of an IMAP session; those of the grammar are in format/imap/limits.h. Before login a
 * client gets little, because it could be anybody.
 */
enum {
    /* Commands. */
    IMAP_LINE_SIZE_MAX = 64 << 10, /* RFC 7162 4 asks for 8192; long UID sets come in one line */
    IMAP_LINE_SIZE_BEFORE_LOGIN_MAX = 8 << 10,
    IMAP_LITERAL_SIZE_MAX = 256 << 10, /* any but APPEND's message */
    IMAP_LITERAL_SIZE_BEFORE_LOGIN_MAX = 4 << 10,
    IMAP_NONSYNC_BEFORE_LOGIN_MAX = 4096, /* RFC 7888 5: LITERAL- */
    IMAP_LITERALS_MAX = 64,               /* in one command */
    IMAP_LITERALS_BEFORE_LOGIN_MAX = 4,
    IMAP_COMMAND_SIZE_MAX = 1 << 20, /* lines and literals together */
    IMAP_COMMAND_SIZE_BEFORE_LOGIN_MAX = 16 << 10,
    IMAP_COMMANDS_BEFORE_LOGIN_MAX = 50,
    IMAP_BAD_COMMANDS_MAX = 50, /* in a row, then the session ends */

    /* Memory. */
    IMAP_ARENA_SIZE_MAX = 64 << 20,   /* of one command: SEARCH results, LIST of many mailboxes */
    IMAP_SCRATCH_SIZE_MAX = 32 << 20, /* of one message in FETCH or SEARCH: its parse */
    IMAP_RESPONSE_SIZE_MAX =
        16 << 20, /* of one response line, literals of whole parts not counted */

    /* Time. */
    IMAP_COMMAND_TIMEOUT_S = 300, /* to send the rest of a command once it began */
    IMAP_SKIP_FACTOR = 4, /* a non-synchronising message up to so many times too large is read and
                             dropped, so that the client can be told; larger: the connection ends */
};
