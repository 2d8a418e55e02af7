#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The DNS record that goes with a key (RFC 6376 3.6.1, RFC 8463 4.2).
 */
#include "base/buffer.h"
#include "crypto/signature.h"

/* "v=DKIM1; k=rsa; p=..." */
error dkim_record_write(const struct signing_key *key, struct buffer *out_record);
