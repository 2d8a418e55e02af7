#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * SPF records (RFC 7208 4.5, 4.6.1, 5, 6, 12). Pure; views of the text, lists in the arena. A
 * mistake anywhere makes the whole record one (4.6), however far down.
 */
#include "base/arena.h"
#include "filter/authentic/spf.h"

enum { SPF_TERMS_MAX = 1000 }; /* of one record: 64 KiB of TXT hold more only to keep us busy */

enum spf_mechanism {
    SPF_ALL,
    SPF_INCLUDE,
    SPF_A,
    SPF_MX,
    SPF_PTR,
    SPF_IP4,
    SPF_IP6,
    SPF_EXISTS,
};

struct spf_directive {
    enum spf_result result; /* where it matches */
    enum spf_mechanism mechanism;
    slice domain;               /* domain-spec with its macros; empty: the record's own domain */
    uint8_t ip[16];             /* IP4, IP6: network order */
    uint8_t ip4_bits, ip6_bits; /* A, MX, IP4, IP6 */
};

struct spf_record {
    struct spf_directive *directives;
    unsigned count;
    slice redirect, explanation; /* domain-specs; data NULL: none */
};

/* Does a TXT record begin as an SPF record does? */
bool spf_record_is(slice text);
/* ERROR_PERMANENT (permerror) with a text that says what is wrong; ERROR_LIMIT: the arena. */
error spf_record_parse(slice text, struct arena *arena, struct spf_record *out_record);
/* Do terms of that kind ask DNS, and so count (RFC 7208 4.6.4)? */
bool spf_mechanism_asks(enum spf_mechanism mechanism);
