#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Where a connection comes from and goes to: IPv4, IPv6 or a Unix socket; and networks (CIDR) to
 * match them against. Values of 24 bytes, copied freely. An IPv4 address mapped into IPv6
 * (::ffff:a.b.c.d) is always kept as IPv4, so that comparing and matching need no special case.
 */
#include "base/arena.h"
#include "base/error.h"
#include "base/slice.h"

#include <sys/socket.h>

enum address_family { ADDRESS_NONE, ADDRESS_IPV4, ADDRESS_IPV6, ADDRESS_UNIX };

struct address {
    uint8_t family; /* enum address_family */
    uint16_t port;  /* host order, 0 where there is none */
    uint32_t scope; /* interface of a link-local IPv6 address, else 0 */
    union {
        uint8_t ip[16]; /* network order; IPv4 in the first four, the rest zero */
        slice path;     /* Unix: borrowed; empty for an unnamed peer; '\0' first: abstract */
    };
};

enum { ADDRESS_TEXT_SIZE = 128 }; /* enough for any address with its port, and the NUL */

/* "192.0.2.1", "2001:db8::1", "[2001:db8::1]". No port, no scope. */
error address_parse_ip(slice text, struct address *out_address);
/* "192.0.2.1:25", "[2001:db8::1]:25", "*:25" (IPv6 any: takes IPv4 too), "0.0.0.0:25", "25" (as
 * "*:25"), "unix:/run/x.sock", "/run/x.sock", "@abstract". The path is borrowed from text. */
error address_parse(slice text, struct address *out_address);
/* The IP alone, as people and Received headers write it: "192.0.2.1", "2001:db8::1"; the path of a
 * Unix socket ("unix" where it is unnamed). NUL-terminated; the slice is the text in `text`. */
slice address_format_ip(const struct address *address, char text[ADDRESS_TEXT_SIZE]);
/* With the port: "192.0.2.1:25", "[2001:db8::1]:25", "unix:/run/x.sock". */
slice address_format(const struct address *address, char text[ADDRESS_TEXT_SIZE]);

bool address_equal(const struct address *a, const struct address *b); /* port included */
bool address_same_host(const struct address *a, const struct address *b);
bool address_is_ip(const struct address *address);
bool address_is_loopback(const struct address *address); /* Unix sockets are, too */
bool address_is_any(const struct address *address);      /* 0.0.0.0 or :: */
/* One that strangers may send us to: no loopback, private, link-local, shared (RFC 6598),
 * multicast or reserved address (RFC 6890), no Unix socket. */
bool address_is_public(const struct address *address);

/* System-call edge. The path of a Unix address is borrowed from *from. */
void address_from_sockaddr(const struct sockaddr *from, socklen_t size, struct address *out);
/* ERROR_MALFORMED for ADDRESS_NONE or a path that is too long. */
error address_to_sockaddr(const struct address *address, struct sockaddr_storage *out,
                          socklen_t *out_size);

struct network {
    uint8_t family; /* ADDRESS_IPV4, ADDRESS_IPV6; ADDRESS_UNIX matches every Unix socket */
    uint8_t bits;
    uint8_t ip[16]; /* bits past the prefix are zero */
};
struct network_list {
    struct network *networks;
    size_t count;
};

/* "192.0.2.0/24", "2001:db8::/32", "192.0.2.1" (all bits), "unix". ERROR_MALFORMED where bits are
 * set past the prefix: that is more often a slip than a wish. */
error network_parse(slice text, struct network *out_network);
bool network_matches(const struct network *network, const struct address *address);
/* "192.0.2.0/24" */
slice network_format(const struct network *network, char text[ADDRESS_TEXT_SIZE]);
/* Networks separated by commas, blanks or both; held by the arena. */
error network_list_parse(slice text, struct arena *arena, struct network_list *out_list);
bool network_list_matches(const struct network_list *list, const struct address *address);
