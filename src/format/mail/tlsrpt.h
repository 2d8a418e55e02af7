#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Where a domain wants its TLS reports (RFC 8460 3): the TXT record at _smtp._tls.DOMAIN. Pure.
 */
#include "base/arena.h"
#include "base/error.h"
#include "base/slice.h"

enum { TLSRPT_TARGETS_MAX = 8 }; /* of one record; what comes after is not used */

enum tlsrpt_kind { TLSRPT_MAIL, TLSRPT_HTTPS };

struct tlsrpt_target {
    enum tlsrpt_kind kind;
    slice address; /* local@domain; the whole URL */
};

struct tlsrpt_record {
    unsigned count;
    struct tlsrpt_target targets[TLSRPT_TARGETS_MAX];
};

/* ERROR_NOT_FOUND: not such a record at all; ERROR_MALFORMED: no target in it that we know. */
error tlsrpt_record_parse(slice text, struct arena *arena, struct tlsrpt_record *out_record);
