#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Every limit of an SMTP session. The upper ones are defaults of settings (settings.c), the lower
 * ones are fixed. Meeting one is a clear reply and a counter; tests/wire/smtp/limits*.wire meets
 * each.
 */
#include "base/time.h"

enum smtp_limits_default {
    SMTP_SIZE_MAX_DEFAULT = 50 << 20,     /* bytes of a message as sent */
    SMTP_RECIPIENTS_MAX_DEFAULT = 1000,   /* of one message; RFC 5321 4.5.3.1.8: 100 at least */
    SMTP_TRANSACTIONS_MAX_DEFAULT = 1000, /* of one session (LIMITS MAILMAX) */
    SMTP_COMMANDS_MAX_DEFAULT = 100000,   /* of one session */
    SMTP_ERRORS_MAX_DEFAULT = 20,         /* replies 5xx to commands of one session */
    SMTP_UNKNOWN_RECIPIENTS_MAX_DEFAULT =
        50,                     /* refused recipients of one session: address guessing */
    SMTP_HOPS_MAX_DEFAULT = 50, /* Received: fields; RFC 5321 6.3: 100 at most */
};

#define SMTP_COMMAND_TIMEOUT_DEFAULT (300 * TIME_S)  /* RFC 5321 4.5.3.2.7 */
#define SMTP_DATA_TIMEOUT_DEFAULT (180 * TIME_S)     /* without a byte of progress: 4.5.3.2.5 */
#define SMTP_MESSAGE_TIMEOUT_DEFAULT (3600 * TIME_S) /* from 354 to the last dot */
#define SMTP_DELIVERY_TIMEOUT_DEFAULT (60 * TIME_S)  /* from the last dot to 250 */
#define SMTP_TLS_TIMEOUT_DEFAULT (30 * TIME_S)       /* the handshake */

enum smtp_limits {
    /* A command line without CRLF. RFC 5321 4.5.3.1.4 says 512; extensions add to it: MAIL with
     * SIZE (26), BODY (16), SMTPUTF8 (10), DSN (116), AUTH (500), RCPT with ORCPT and NOTIFY (528).
     */
    SMTP_LINE_SIZE_MAX = 2048,
    SMTP_TARGETS_MAX = 5000,               /* mailboxes of one message, aliases followed */
    SMTP_SESSION_MEMORY_MAX = 8 * 1024,    /* bytes of who logged in */
    SMTP_COMMAND_MEMORY_MAX = 64 * 1024,   /* bytes of one command's arena */
    SMTP_TRANSACTION_MEMORY_MAX = 8 << 20, /* bytes of one envelope, its look-ups included */
    SMTP_BDAT_SKIP_MAX = 64 << 20,     /* bytes of a refused chunk that are read to stay in step */
    SMTP_TRACE_SIZE_MAX = 8 * 1024,    /* bytes of the Received: field put before a message */
    SMTP_PREFIX_SIZE_MAX = 64 * 1024,  /* with Date:, Message-ID: and signatures */
    SMTP_FROM_ADDRESSES_MAX = 100,     /* of a submitted mail's From: field */
    SMTP_SENDING_ACCOUNTS_MAX = 65536, /* whose mail is counted, per core */
};
