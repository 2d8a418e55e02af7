/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/proxy/header.h"

#include "base/cursor.h"

#include <arpa/inet.h>

static const slice v2_signature = {"\r\n\r\n\0\r\nQUIT\n", 12};
enum { V2_FIXED_SIZE = 16, V1_SIZE_MIN = 15 /* "PROXY UNKNOWN\r\n" */ };

static error malformed(void)
{
    return error_make(ERROR_MALFORMED, "not a PROXY protocol header");
}

/* ---- Version 1 ---- */

static bool take_ip(struct cursor *cursor, int family, uint8_t out_ip[16])
{
    slice word;
    char text[INET6_ADDRSTRLEN];
    if (!cursor_take_until(cursor, ' ', &word) || word.size == 0 || word.size >= sizeof text ||
        memchr(word.data, 0, word.size))
        return false;
    memcpy(text, word.data, word.size);
    text[word.size] = 0;
    return inet_pton(family, text, out_ip) == 1 && cursor_take_byte(cursor, ' ');
}

static bool take_port(struct cursor *cursor, uint16_t *out_port)
{
    uint64_t port;
    /* 2.1: no leading zeros */
    if (cursor_peek(cursor) == '0' && cursor->end - cursor->at > 1 && ascii_is_digit(cursor->at[1]))
        return false;
    if (!cursor_take_u64(cursor, UINT16_MAX, &port))
        return false;
    *out_port = (uint16_t)port;
    return true;
}

/* `line` without CRLF. */
static error parse_v1(slice line, struct proxy_header *header)
{
    struct cursor cursor = cursor_over(line);
    int family;
    header->version = 1;
    if (!cursor_take(&cursor, SLICE("PROXY ")))
        return malformed();
    /* 2.1: whatever follows UNKNOWN is ignored */
    if (cursor_take(&cursor, SLICE("UNKNOWN")))
        return cursor_done(&cursor) || cursor_peek(&cursor) == ' ' ? OK : malformed();
    if (cursor_take(&cursor, SLICE("TCP4 "))) {
        header->family = PROXY_IPV4;
        family = AF_INET;
    } else if (cursor_take(&cursor, SLICE("TCP6 "))) {
        header->family = PROXY_IPV6;
        family = AF_INET6;
    } else {
        return malformed();
    }
    if (!take_ip(&cursor, family, header->source_ip) ||
        !take_ip(&cursor, family, header->destination_ip) ||
        !take_port(&cursor, &header->source_port) || !cursor_take_byte(&cursor, ' ') ||
        !take_port(&cursor, &header->destination_port) || !cursor_done(&cursor))
        return malformed();
    return OK;
}

static error read_v1(slice input, struct proxy_header *header, size_t *out_wanted)
{
    ptrdiff_t end = slice_find_byte(input, '\n');
    if (end < 0) {
        if (input.size >= PROXY_V1_SIZE_MAX)
            return error_make(ERROR_LIMIT, "the PROXY line is too long");
        *out_wanted = input.size < V1_SIZE_MIN ? V1_SIZE_MIN : input.size + 1;
        return OK;
    }
    if ((size_t)end + 1 != input.size || end < 1 || input.data[end - 1] != '\r')
        return malformed();
    TRY(parse_v1(slice_sub(input, 0, (size_t)end - 1), header));
    *out_wanted = 0;
    return OK;
}

/* ---- Version 2 ---- */

static uint16_t u16(const char *at)
{
    return (uint16_t)((unsigned char)at[0] << 8 | (unsigned char)at[1]);
}

/* 2.2.1: a type byte, a size, a value. */
static bool take_tlv(slice *rest, unsigned char *out_type, slice *out_value)
{
    if (rest->size < 3)
        return false;
    size_t size = u16(rest->data + 1);
    if (rest->size - 3 < size)
        return false;
    *out_type = (unsigned char)rest->data[0];
    *out_value = slice_sub(*rest, 3, size);
    *rest = slice_from(*rest, 3 + size);
    return true;
}

static error parse_tls(slice value, struct proxy_header *header)
{
    if (value.size < 5)
        return malformed();
    header->tls = value.data[0] & 1; /* PP2_CLIENT_SSL */
    slice rest = slice_from(value, 5);
    while (rest.size) {
        unsigned char type;
        slice part;
        if (!take_tlv(&rest, &type, &part))
            return malformed();
        if (type == 0x21) /* PP2_SUBTYPE_SSL_VERSION */
            header->tls_version = part;
    }
    return OK;
}

static error parse_tlvs(slice rest, struct proxy_header *header)
{
    while (rest.size) {
        unsigned char type;
        slice value;
        if (!take_tlv(&rest, &type, &value))
            return malformed();
        if (type == 0x02) /* PP2_TYPE_AUTHORITY */
            header->authority = value;
        else if (type == 0x20) /* PP2_TYPE_SSL */
            TRY(parse_tls(value, header));
    }
    return OK;
}

static slice until_nul(slice path)
{
    ptrdiff_t end = slice_find_byte(path, 0);
    return end < 0 ? path : slice_sub(path, 0, (size_t)end);
}

static error parse_v2(slice input, struct proxy_header *header)
{
    unsigned char command = (unsigned char)input.data[12] & 15;
    unsigned char family = (unsigned char)input.data[13] >> 4;
    slice rest = slice_from(input, V2_FIXED_SIZE);
    header->version = 2;
    if (command == 0) /* LOCAL: the proxy's own health check; the addresses are to be ignored */
        return OK;
    if (command != 1)
        return malformed();
    size_t address_size = family == 1 ? 12 : family == 2 ? 36 : family == 3 ? 216 : 0;
    if (family > 3 || rest.size < address_size)
        return malformed();
    const char *at = rest.data;
    if (family == 1 || family == 2) {
        size_t ip_size = family == 1 ? 4 : 16;
        header->family = family == 1 ? PROXY_IPV4 : PROXY_IPV6;
        memcpy(header->source_ip, at, ip_size);
        memcpy(header->destination_ip, at + ip_size, ip_size);
        header->source_port = u16(at + 2 * ip_size);
        header->destination_port = u16(at + 2 * ip_size + 2);
    } else if (family == 3) {
        header->family = PROXY_UNIX;
        header->source_path = until_nul(slice_sub(rest, 0, 108));
        header->destination_path = until_nul(slice_sub(rest, 108, 108));
    }
    return parse_tlvs(slice_from(rest, address_size), header);
}

static error read_v2(slice input, struct proxy_header *header, size_t *out_wanted)
{
    if (input.size < V2_FIXED_SIZE) {
        *out_wanted = V2_FIXED_SIZE;
        return OK;
    }
    if ((unsigned char)input.data[12] >> 4 != 2)
        return malformed();
    size_t size = V2_FIXED_SIZE + (size_t)u16(input.data + 14);
    if (size > PROXY_HEADER_SIZE_MAX)
        return error_make(ERROR_LIMIT, "the PROXY header is too long");
    if (input.size > size)
        return malformed();
    if (input.size < size) {
        *out_wanted = size;
        return OK;
    }
    TRY(parse_v2(input, header));
    *out_wanted = 0;
    return OK;
}

error proxy_header_parse(slice input, struct proxy_header *out_header, size_t *out_wanted)
{
    struct proxy_header header = {0};
    size_t wanted = 1;
    if (input.size && input.data[0] == 'P') {
        TRY(read_v1(input, &header, &wanted));
    } else if (input.size) {
        slice start = slice_sub(input, 0, v2_signature.size);
        if (!slice_equal(start, slice_sub(v2_signature, 0, start.size)))
            return malformed();
        TRY(read_v2(input, &header, &wanted));
    }
    if (wanted == 0)
        *out_header = header;
    *out_wanted = wanted;
    return OK;
}
