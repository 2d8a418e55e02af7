#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a POP3 server says: "+OK" or "-ERR", perhaps a code in brackets (RFC 2449 8, RFC 3206, RFC
 * 6856), a text; and the lines of a listing.
 */
#include "base/buffer.h"
#include "base/slice.h"

enum pop3_code {
    POP3_CODE_NONE,
    POP3_CODE_IN_USE,      /* RFC 2449 8.1.2 */
    POP3_CODE_LOGIN_DELAY, /* RFC 2449 8.1.1 */
    POP3_CODE_SYS_TEMP,    /* RFC 3206 4 */
    POP3_CODE_SYS_PERM,
    POP3_CODE_AUTH, /* RFC 3206 5 */
    POP3_CODE_COUNT
};

struct pop3_reply {
    bool failed; /* -ERR */
    enum pop3_code code;
    slice text; /* cut at the first byte that no line can hold; empty: none */
};

enum { POP3_REPLY_SIZE_MAX = 512 }; /* bytes with CRLF (RFC 2449 4); longer texts are cut */

void pop3_reply_write(const struct pop3_reply *reply, struct buffer *out);
