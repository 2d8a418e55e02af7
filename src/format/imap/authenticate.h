#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The arguments of AUTHENTICATE (RFC 3501 6.2.2) with an initial response (RFC 4959 SASL-IR).
 * Base64 is left to service/login.
 */
#include "base/cursor.h"
#include "base/error.h"

struct imap_authenticate {
    slice mechanism;
    bool initial_given;
    slice initial; /* base64; "=" (an empty response) is given as empty */
};

/* From the space behind the verb to the end. */
error imap_authenticate_parse(struct cursor *c, struct imap_authenticate *out_authenticate);
