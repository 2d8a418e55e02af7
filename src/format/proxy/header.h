#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The header a proxy puts before a connection to name the client: PROXY protocol, versions 1 (text)
 * and 2 (binary), after haproxy.org's proxy-protocol.txt. Pure.
 */
#include "base/error.h"
#include "base/slice.h"

enum {
    PROXY_V1_SIZE_MAX = 107,     /* 2.1, with CRLF */
    PROXY_HEADER_SIZE_MAX = 4096 /* version 2 with all the TLVs real proxies send */
};

enum proxy_family {
    PROXY_NONE, /* LOCAL, UNKNOWN or AF_UNSPEC: the connection's own addresses stand */
    PROXY_IPV4,
    PROXY_IPV6,
    PROXY_UNIX,
};

struct proxy_header {
    uint8_t version;
    enum proxy_family family;
    uint8_t source_ip[16], destination_ip[16]; /* network order, IPv4 in the first four */
    uint16_t source_port, destination_port;
    slice source_path, destination_path; /* of the input */
    slice authority;                     /* PP2_TYPE_AUTHORITY: the name the client asked for */
    bool tls;                            /* PP2_TYPE_SSL: the client came to the proxy under TLS */
    slice tls_version;                   /* PP2_SUBTYPE_SSL_VERSION, "TLSv1.3", or empty */
};

/* Reads what has arrived so far. OK with *out_wanted == 0: `input` is exactly one header. OK with
 * *out_wanted > 0: at least so many bytes are needed in all before it is worth calling again; that
 * never reaches past the header, so what follows it is never consumed. ERROR_MALFORMED,
 * ERROR_LIMIT.
 */
error proxy_header_parse(slice input, struct proxy_header *out_header, size_t *out_wanted);
