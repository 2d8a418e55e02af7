#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Unique ids of messages (RFC 1939 7 UIDL) in the words of Dovecot's pop3_uidl_format, so that
 * those of a mailbox taken over stay: %u the UID, %v UIDVALIDITY, %f the base of the file's name;
 * before u and v a 0, a width and X for hexadecimal (in small letters, as Dovecot has it), %% a
 * percent sign.
 */
#include "base/buffer.h"
#include "base/error.h"
#include "base/slice.h"

#include <stdint.h>

#define POP3_UIDL_FORMAT_DEFAULT "%08Xu%08Xv" /* Dovecot's */

enum {
    POP3_UIDL_FORMAT_SIZE_MAX = 64,
    POP3_UIDL_SIZE_MAX = 70, /* RFC 1939 7; %f may be longer, as with Dovecot */
};

struct pop3_uidl_parts {
    uint32_t uid, uid_validity;
    slice base_name;
};

/* ERROR_MALFORMED where it says nothing of the message (neither %u nor %f), has an unknown letter
 * or bytes that no id may have; ERROR_LIMIT. */
error pop3_uidl_check(slice format);
/* By a format that was checked. */
void pop3_uidl_write(slice format, const struct pop3_uidl_parts *parts, struct buffer *out);
