#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a ManageSieve server says (RFC 5804 1.2, 1.3): OK, NO or BYE, a code in parentheses, a text;
 * and strings, quoted where that can hold them, else as literals.
 */
#include "base/buffer.h"
#include "base/slice.h"

enum managesieve_status { MANAGESIEVE_OK, MANAGESIEVE_NO, MANAGESIEVE_BYE };

/* RFC 5804 1.3 */
enum managesieve_code {
    MANAGESIEVE_CODE_NONE,
    MANAGESIEVE_CODE_ACTIVE,
    MANAGESIEVE_CODE_ALREADYEXISTS,
    MANAGESIEVE_CODE_AUTH_TOO_WEAK,
    MANAGESIEVE_CODE_ENCRYPT_NEEDED,
    MANAGESIEVE_CODE_NONEXISTENT,
    MANAGESIEVE_CODE_QUOTA,
    MANAGESIEVE_CODE_QUOTA_MAXSCRIPTS,
    MANAGESIEVE_CODE_QUOTA_MAXSIZE,
    MANAGESIEVE_CODE_TAG, /* with an argument */
    MANAGESIEVE_CODE_TRYLATER,
    MANAGESIEVE_CODE_WARNINGS,
};

struct managesieve_response {
    enum managesieve_status status;
    enum managesieve_code code;
    slice argument; /* of the code */
    slice text;     /* empty: none */
};

void managesieve_response_write(const struct managesieve_response *response, struct buffer *out);
/* Quoted, or "{n}" CRLF and the bytes. */
void managesieve_write_string(slice s, struct buffer *out);
