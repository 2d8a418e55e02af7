#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * DNS messages (RFC 1035 4) as far as mail needs them: the answer to one question, CNAMEs followed
 * within it, names decompressed. Pure. Whatever the answer holds besides is ignored.
 */
#include "base/arena.h"
#include "base/error.h"
#include "base/slice.h"

enum dns_type {
    DNS_A = 1,
    DNS_NS = 2,
    DNS_CNAME = 5,
    DNS_SOA = 6,
    DNS_PTR = 12,
    DNS_MX = 15,
    DNS_TXT = 16,
    DNS_AAAA = 28,
    DNS_SRV = 33,
    DNS_TLSA = 52,
};

enum dns_code { DNS_NO_ERROR = 0, DNS_SERVER_FAILURE = 2, DNS_NO_SUCH_NAME = 3, DNS_REFUSED = 5 };

enum {
    DNS_NAME_SIZE_MAX = 253,  /* as text, without the final dot */
    DNS_NAME_TEXT_MAX = 1020, /* with every byte escaped as \DDD */
    DNS_CHAIN_MAX = 8,        /* CNAMEs after each other */
    DNS_RECORDS_MAX = 1000,   /* of one answer; more is ERROR_LIMIT */
    DNS_POINTERS_MAX = 64,    /* compression pointers in one name */
};

struct dns_record {
    uint32_t ttl; /* seconds */
    union {
        uint8_t ip[16]; /* A: the first four; AAAA */
        slice name;     /* PTR, CNAME, NS; lower case, no final dot; the root is empty */
        slice text;     /* TXT: its strings joined (RFC 7208 3.3) */
        struct {
            uint16_t preference;
            slice host; /* empty: a null MX (RFC 7505) */
        } mx;
        struct {
            uint16_t priority, weight, port;
            slice host; /* empty: not offered here */
        } srv;          /* RFC 2782 */
        struct {
            uint8_t usage, selector, matching;
            slice data;
        } tlsa; /* RFC 6698 2.1 */
    };
};

struct dns_answer {
    enum dns_code code;
    bool authentic; /* AD: the resolver says it verified DNSSEC */
    bool truncated;
    uint32_t ttl; /* how long it may be kept: the least of those that led here; for a negative
                     answer of its SOA (RFC 2308 5), 0 where it has none */
    slice owner;  /* the name asked for, or the end of its CNAMEs */
    struct dns_record *records; /* of the type asked for, in the order of the answer */
    unsigned count;
};

/* Everything in the answer is held by the arena, nothing points into the message. The question of
 * the message must be `name` (any case) and `type`. ERROR_MALFORMED, ERROR_LIMIT. */
error dns_message_parse(slice message, slice name, enum dns_type type, struct arena *arena,
                        struct dns_answer *out_answer);

/* Labels of 1 to 63 bytes, at most DNS_NAME_SIZE_MAX in all, a final dot allowed. Any byte may be
 * in a label: underscores are common, and what is a host name is for others to say. */
bool dns_name_is_valid(slice name);
/* "4.3.2.1.in-addr.arpa", "….ip6.arpa" (RFC 1035 3.5, RFC 3596 2.5) into text of 80 bytes. */
enum { DNS_REVERSE_SIZE = 80 };
slice dns_reverse_name(const uint8_t *ip, size_t ip_size, char text[DNS_REVERSE_SIZE]);
