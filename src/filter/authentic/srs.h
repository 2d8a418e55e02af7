#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The sender rewriting scheme of forwarders: "alice@a.example" forwarded by b.example becomes
 * "SRS0=HHHHHHHH=TT=a.example=alice@b.example", so that SPF holds at the next hop and a bounce
 * finds its way back. Hash and day keep strangers from using us as a relay. Pure.
 *
 * After M. Wong and S. Nelson's SRS (2004), and readable to its other makers: SRS1 shortcuts, days
 * in two digits of base32, "=", "+" or "-" behind the tag. Ours alone can check our hashes, so
 * those are different: HMAC-SHA-256 instead of SHA-1, eight digits of base32 instead of four of
 * base64, because a hop may change the case of letters.
 */
#include "base/arena.h"
#include "base/error.h"
#include "base/slice.h"

#include <stdint.h>

enum {
    SRS_AGE_DAYS_MAX = 21,   /* bounces of forwarded mail come back within this */
    SRS_HASH_CHARACTERS = 8, /* of base32: 40 bits */
    SRS_SECRET_SIZE_MIN = 16,
    SRS_ADDRESS_SIZE_MAX = 1024, /* bytes; RFC 5321 4.5.3.1.3 says 256 */
};

/* SRS0 for a fresh address, SRS1 for one that is rewritten already. An empty sender stays empty.
 * `now`: seconds. ERROR_MALFORMED where the sender is no address, ERROR_LIMIT where it is too long.
 */
error srs_forward(slice secret, slice sender, slice domain, int64_t now, struct arena *arena,
                  slice *out_address);
/* The address a bounce to `address` is for. ERROR_NOT_FOUND: no SRS address; ERROR_DENIED: wrong
 * hash, or too old. */
error srs_reverse(slice secret, slice address, int64_t now, struct arena *arena,
                  slice *out_address);
