/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Text and system forms of addresses. inet_pton and inet_ntop know the grammar (RFC 4291 2.2, RFC
 * 5952); what is refused beyond them is an IPv4 address with fewer than four parts.
 */
#include "net/address.h"

#include "base/cursor.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

static const uint8_t mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static void set_ipv6(struct address *address, const uint8_t ip[16])
{
    if (memcmp(ip, mapped_prefix, sizeof mapped_prefix) == 0) {
        address->family = ADDRESS_IPV4;
        memset(address->ip, 0, sizeof address->ip);
        memcpy(address->ip, ip + 12, 4);
    } else {
        address->family = ADDRESS_IPV6;
        memcpy(address->ip, ip, 16);
    }
}

error address_parse_ip(slice text, struct address *out_address)
{
    char string[INET6_ADDRSTRLEN + 1];
    if (text.size >= 2 && text.data[0] == '[' && text.data[text.size - 1] == ']')
        text = slice_sub(text, 1, text.size - 2);
    if (text.size == 0 || text.size >= sizeof string || memchr(text.data, 0, text.size))
        return error_make(ERROR_MALFORMED, "not an IP address");
    memcpy(string, text.data, text.size);
    string[text.size] = 0;
    struct address address = {.family = ADDRESS_NONE};
    uint8_t ip[16];
    if (inet_pton(AF_INET, string, ip) == 1) {
        address.family = ADDRESS_IPV4;
        memcpy(address.ip, ip, 4);
    } else if (inet_pton(AF_INET6, string, ip) == 1) {
        set_ipv6(&address, ip);
    } else {
        return error_make(ERROR_MALFORMED, "not an IP address");
    }
    *out_address = address;
    return OK;
}

static bool parse_port(slice text, uint16_t *out_port)
{
    struct cursor cursor = cursor_over(text);
    uint64_t port;
    if (!cursor_take_u64(&cursor, UINT16_MAX, &port) || !cursor_done(&cursor))
        return false;
    *out_port = (uint16_t)port;
    return true;
}

static error parse_unix(slice path, struct address *out_address)
{
    if (path.size == 0 || path.size >= sizeof((struct sockaddr_un *)NULL)->sun_path)
        return error_make(ERROR_MALFORMED, "the path of a Unix socket is 1 to 107 bytes");
    if (memchr(path.data, 0, path.size))
        return error_make(ERROR_MALFORMED, "a NUL in the path of a Unix socket");
    *out_address = (struct address){.family = ADDRESS_UNIX, .path = path};
    return OK;
}

error address_parse(slice text, struct address *out_address)
{
    if (slice_starts(text, SLICE("unix:")))
        return parse_unix(slice_from(text, 5), out_address);
    if (text.size && (text.data[0] == '/' || text.data[0] == '@'))
        return parse_unix(text, out_address);

    struct address address = {.family = ADDRESS_IPV6};
    slice host, port;
    if (!slice_cut_last(text, ':', &host, &port)) {
        host = SLICE("*");
        port = text;
    }
    if (!parse_port(port, &address.port))
        return error_make(ERROR_MALFORMED, "an address ends with its port: 192.0.2.1:25, [::1]:25");
    if (!slice_equal(host, SLICE("*"))) {
        uint16_t number = address.port;
        /* "::1:25" would be ambiguous: IPv6 with a port wants its brackets. */
        if (slice_find_byte(host, ':') >= 0 && host.data[0] != '[')
            return error_make(ERROR_MALFORMED, "an IPv6 address with a port needs brackets");
        TRY(address_parse_ip(host, &address));
        address.port = number;
    }
    *out_address = address;
    return OK;
}

slice address_format_ip(const struct address *address, char text[ADDRESS_TEXT_SIZE])
{
    switch (address->family) {
    case ADDRESS_IPV4:
        inet_ntop(AF_INET, address->ip, text, ADDRESS_TEXT_SIZE);
        break;
    case ADDRESS_IPV6:
        inet_ntop(AF_INET6, address->ip, text, ADDRESS_TEXT_SIZE);
        break;
    case ADDRESS_UNIX:
        if (address->path.size)
            snprintf(text, ADDRESS_TEXT_SIZE, "%.*s", SLICE_ARG(address->path));
        else
            snprintf(text, ADDRESS_TEXT_SIZE, "unix");
        break;
    default:
        snprintf(text, ADDRESS_TEXT_SIZE, "unknown");
    }
    return slice_from_string(text);
}

slice address_format(const struct address *address, char text[ADDRESS_TEXT_SIZE])
{
    char ip[ADDRESS_TEXT_SIZE];
    address_format_ip(address, ip);
    if (address->family == ADDRESS_IPV4)
        snprintf(text, ADDRESS_TEXT_SIZE, "%.15s:%u", ip, address->port);
    else if (address->family == ADDRESS_IPV6)
        snprintf(text, ADDRESS_TEXT_SIZE, "[%.45s]:%u", ip, address->port);
    else if (address->family == ADDRESS_UNIX && address->path.size)
        snprintf(text, ADDRESS_TEXT_SIZE, "unix:%.*s", SLICE_ARG(address->path));
    else
        memcpy(text, ip, sizeof ip);
    return slice_from_string(text);
}

bool address_same_host(const struct address *a, const struct address *b)
{
    if (a->family != b->family)
        return false;
    if (a->family == ADDRESS_UNIX)
        return slice_equal(a->path, b->path);
    return a->scope == b->scope && memcmp(a->ip, b->ip, sizeof a->ip) == 0;
}

bool address_equal(const struct address *a, const struct address *b)
{
    return a->port == b->port && address_same_host(a, b);
}

bool address_is_ip(const struct address *address)
{
    return address->family == ADDRESS_IPV4 || address->family == ADDRESS_IPV6;
}

bool address_is_loopback(const struct address *address)
{
    static const uint8_t one[16] = {[15] = 1};
    if (address->family == ADDRESS_IPV4)
        return address->ip[0] == 127;
    if (address->family == ADDRESS_IPV6)
        return memcmp(address->ip, one, sizeof one) == 0;
    return address->family == ADDRESS_UNIX;
}

bool address_is_any(const struct address *address)
{
    static const uint8_t zero[16];
    return address_is_ip(address) && memcmp(address->ip, zero, sizeof zero) == 0;
}

static bool in_ipv4(const uint8_t ip[4], uint8_t a, uint8_t b, unsigned bits)
{
    unsigned mask = 0xffffu << (16 - bits) & 0xffffu;
    return (((unsigned)ip[0] << 8 | ip[1]) & mask) == (((unsigned)a << 8 | b) & mask);
}

static bool is_public_ipv4(const uint8_t ip[4])
{
    return !(ip[0] == 0 || ip[0] == 10 || ip[0] == 127 || ip[0] >= 224 ||
             in_ipv4(ip, 100, 64, 10) || in_ipv4(ip, 169, 254, 16) || in_ipv4(ip, 172, 16, 12) ||
             in_ipv4(ip, 192, 168, 16) || in_ipv4(ip, 198, 18, 15));
}

bool address_is_public(const struct address *address)
{
    static const uint8_t translated[12] = {0x00, 0x64, 0xff, 0x9b}; /* RFC 6052 2.1 */
    const uint8_t *ip = address->ip;
    if (address->family == ADDRESS_IPV4)
        return is_public_ipv4(ip);
    if (address->family != ADDRESS_IPV6)
        return false;
    if (memcmp(ip, translated, sizeof translated) == 0)
        return is_public_ipv4(ip + sizeof translated);
    if (ip[0] == 0x20 && ip[1] == 0x02) /* 6to4 carries an IPv4 address */
        return is_public_ipv4(ip + 2);
    return (ip[0] & 0xe0) == 0x20; /* global unicast, 2000::/3 */
}

void address_from_sockaddr(const struct sockaddr *from, socklen_t size, struct address *out)
{
    struct address address = {.family = ADDRESS_NONE};
    if (size >= sizeof(struct sockaddr_in) && from->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const void *)from;
        address.family = ADDRESS_IPV4;
        address.port = ntohs(in->sin_port);
        memcpy(address.ip, &in->sin_addr, 4);
    } else if (size >= sizeof(struct sockaddr_in6) && from->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const void *)from;
        set_ipv6(&address, (const uint8_t *)&in6->sin6_addr);
        address.port = ntohs(in6->sin6_port);
        address.scope = address.family == ADDRESS_IPV6 ? in6->sin6_scope_id : 0;
    } else if (size >= sizeof(sa_family_t) && from->sa_family == AF_UNIX) {
        const struct sockaddr_un *un = (const void *)from;
        size_t room = size - offsetof(struct sockaddr_un, sun_path);
        address.family = ADDRESS_UNIX;
        if (size > offsetof(struct sockaddr_un, sun_path))
            address.path = un->sun_path[0] ? slice_of(un->sun_path, strnlen(un->sun_path, room))
                                           : slice_of(un->sun_path, room);
    }
    *out = address;
}

static error unix_to_sockaddr(slice path, struct sockaddr_un *un, socklen_t *out_size)
{
    un->sun_family = AF_UNIX;
    if (path.size == 0 || path.size >= sizeof un->sun_path)
        return error_make(ERROR_MALFORMED, "the path of a Unix socket is 1 to 107 bytes");
    memcpy(un->sun_path, path.data, path.size);
    *out_size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + path.size);
    if (path.data[0] == '@')
        un->sun_path[0] = 0; /* abstract: named by its exact bytes */
    else if (path.data[0])
        ++*out_size; /* the NUL */
    return OK;
}

error address_to_sockaddr(const struct address *address, struct sockaddr_storage *out,
                          socklen_t *out_size)
{
    memset(out, 0, sizeof *out);
    if (address->family == ADDRESS_IPV4) {
        struct sockaddr_in *in = (void *)out;
        in->sin_family = AF_INET;
        in->sin_port = htons(address->port);
        memcpy(&in->sin_addr, address->ip, 4);
        *out_size = sizeof *in;
        return OK;
    }
    if (address->family == ADDRESS_IPV6) {
        struct sockaddr_in6 *in6 = (void *)out;
        in6->sin6_family = AF_INET6;
        in6->sin6_port = htons(address->port);
        in6->sin6_scope_id = address->scope;
        memcpy(&in6->sin6_addr, address->ip, 16);
        *out_size = sizeof *in6;
        return OK;
    }
    if (address->family == ADDRESS_UNIX)
        return unix_to_sockaddr(address->path, (void *)out, out_size);
    return error_make(ERROR_MALFORMED, "no address");
}
