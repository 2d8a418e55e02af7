#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Bounds of a POP3 session. How many messages and sessions there may be are settings (settings.h).
 */
enum {
    POP3_LINE_SIZE_MAX = 1024, /* RFC 2449 4 says 255, RFC 5034 4 the same with a SASL response in
                                  it; clients with long passwords do not hold to that */
    POP3_COMMANDS_BEFORE_LOGIN_MAX = 50,
    POP3_BAD_COMMANDS_MAX = 20,      /* in a row, then the session ends */
    POP3_ARENA_SIZE_MAX = 1 << 20,   /* of one command */
    POP3_OUTPUT_SIZE_MAX = 96 << 10, /* gathered before it is given to the stream */
    POP3_CHUNK_SIZE = 64 << 10,      /* of a message's file, read at once */
    POP3_DELAYS_MAX = 8192, /* accounts per core whose last login is remembered; then the delay is
                               forgotten for some */
    POP3_COMMAND_TIMEOUT_S = 300, /* to send the rest of a command once it began */
};
