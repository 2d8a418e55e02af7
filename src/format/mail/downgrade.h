#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A message made fit for a server that takes less: bodies of 8-bit text or of binary data become
 * quoted-printable or base64, part by part (RFC 6152 3, RFC 3030 3, RFC 2045 6); what fits already
 * stays byte for byte. Header fields are not looked into. Signatures over what is changed break;
 * the other choice would be not to deliver. Pure.
 */
#include "base/arena.h"
#include "base/buffer.h"

enum mail_target {
    MAIL_TO_7BIT, /* ASCII lines */
    MAIL_TO_8BIT, /* lines of anything but NUL */
};

enum { MAIL_LINE_SIZE_MAX = 998 }; /* without CRLF (RFC 5322 2.1.1): longer is not a line */

/* Does the body (all behind the header) have what the target forbids? Quick; says yes also for what
 * is encoded badly. */
bool mail_needs_downgrade(slice message, enum mail_target target);

/* Appends to `out`. ERROR_PERMANENT: a part is of a kind that may not be encoded (message/partial,
 * an unknown encoding), or there are too many parts; ERROR_LIMIT: of arena or buffer. The output is
 * at most twice as long, and 4 KiB a part. */
error mail_downgrade(slice message, enum mail_target target, struct arena *arena,
                     struct buffer *out);
