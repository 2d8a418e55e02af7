#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A DNS list (RFC 5782): its zone, and what its answers mean. Written as
 *
 *     zen.spamhaus.org 127.0.0.2-3=ADDRESS_LISTED_SPAM 127.0.0.4-7=ADDRESS_LISTED_EXPLOITED
 *     multi.surbl.org 127.0.0.&8=DOMAIN_LISTED_PHISHING
 *     list.dnswl.org 127.0.*.1-3=ADDRESS_TRUSTED
 *
 * an octet is a number, a range, "*", or "&" with the bits of which one must be set. Answers in
 * 127.255.255.0/24 say that we may not ask; they mean nothing. Pure.
 */
#include "base/arena.h"
#include "base/error.h"
#include "net/address.h"

enum dns_list_limits {
    DNS_LISTS_MAX = 32,
    DNS_LIST_CODES_MAX = 16,  /* of one list */
    DNS_LIST_NAME_SIZE = 256, /* of a name to ask for, with its NUL */
};

struct dns_list_octet {
    uint8_t low, high;
    uint8_t bits; /* 0: a range, else one of these */
};

struct dns_list {
    slice zone;
    bool domains; /* else addresses */
    unsigned code_count;
    struct dns_list_code {
        struct dns_list_octet octets[4];
        uint16_t symbol;
    } codes[DNS_LIST_CODES_MAX];
};

struct dns_list_names {
    unsigned (*find)(const void *argument, slice name); /* UINT_MAX: none */
    const void *argument;
};

/* Zone and codes are views of the text. ERROR_MALFORMED, ERROR_LIMIT, ERROR_NOT_FOUND (no such
 * symbol). */
error dns_list_parse(slice text, const struct dns_list_names *names, struct dns_list *out_list);
/* The symbol that an answer stands for: false where it stands for none. */
bool dns_list_means(const struct dns_list *list, const uint8_t ip[4], unsigned *out_symbol);
/* 127.255.255.x: the list does not serve us. */
bool dns_list_is_refusal(const uint8_t ip[4]);

/* What to ask for: "2.0.0.127.zone", nibbles for IPv6. Empty where the address is none. */
slice dns_list_address_name(const struct dns_list *list, const struct address *address,
                            char text[DNS_LIST_NAME_SIZE]);
/* "domain.zone"; empty where it would be too long. */
slice dns_list_domain_name(const struct dns_list *list, slice domain,
                           char text[DNS_LIST_NAME_SIZE]);
