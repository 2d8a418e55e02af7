/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "filter/spam/dns_list.h"

#include "base/cursor.h"
#include "format/dns/message.h"

#include <limits.h>
#include <stdio.h>

static error parse_octet(struct cursor *at, struct dns_list_octet *out_octet)
{
    uint64_t low, high;
    struct dns_list_octet octet = {.low = 0, .high = 255};
    if (!cursor_take_byte(at, '*')) {
        bool bits = cursor_take_byte(at, '&');
        if (!cursor_take_u64(at, 255, &low) || (bits && low == 0))
            return error_make(ERROR_MALFORMED, "an answer of a list is four numbers up to 255");
        high = low;
        if (!bits && cursor_take_byte(at, '-') && (!cursor_take_u64(at, 255, &high) || high < low))
            return error_make(ERROR_MALFORMED, "a range of answers goes from low to high");
        octet = bits ? (struct dns_list_octet){.high = 255, .bits = (uint8_t)low}
                     : (struct dns_list_octet){.low = (uint8_t)low, .high = (uint8_t)high};
    }
    *out_octet = octet;
    return OK;
}

static error parse_code(slice text, const struct dns_list_names *names,
                        struct dns_list_code *out_code)
{
    slice answer, symbol;
    if (!slice_cut(text, '=', &answer, &symbol))
        return error_make(ERROR_MALFORMED, "\"ANSWER=SYMBOL\" is wanted after the zone");
    struct dns_list_code code;
    struct cursor at = cursor_over(answer);
    for (unsigned i = 0; i < 4; i++) {
        if (i > 0 && !cursor_take_byte(&at, '.'))
            return error_make(ERROR_MALFORMED, "an answer of a list is four numbers up to 255");
        TRY(parse_octet(&at, &code.octets[i]));
    }
    if (!cursor_done(&at))
        return error_make(ERROR_MALFORMED, "an answer of a list is four numbers up to 255");
    unsigned found = names->find(names->argument, symbol);
    if (found == UINT_MAX)
        return error_make(ERROR_NOT_FOUND, "no such symbol");
    code.symbol = (uint16_t)found;
    *out_code = code;
    return OK;
}

error dns_list_parse(slice text, const struct dns_list_names *names, struct dns_list *out_list)
{
    struct dns_list list = {.code_count = 0};
    slice rest = slice_trim(text);
    slice_cut(rest, ' ', &list.zone, &rest);
    if (!dns_name_is_valid(list.zone) || slice_find_byte(list.zone, '=') >= 0)
        return error_make(ERROR_MALFORMED, "a list begins with its zone");
    while (rest.size > 0) {
        slice code;
        slice_cut(rest, ' ', &code, &rest);
        if (code.size == 0)
            continue;
        if (list.code_count == DNS_LIST_CODES_MAX)
            return error_make(ERROR_LIMIT, "more answers than a list may have");
        TRY(parse_code(code, names, &list.codes[list.code_count]));
        list.code_count++;
    }
    if (list.code_count == 0)
        return error_make(ERROR_MALFORMED, "a list without answers says nothing");
    list.domains = out_list->domains;
    *out_list = list;
    return OK;
}

static bool octet_fits(const struct dns_list_octet *octet, uint8_t value)
{
    return octet->bits ? (value & octet->bits) != 0 : value >= octet->low && value <= octet->high;
}

bool dns_list_is_refusal(const uint8_t ip[4])
{
    return ip[0] == 127 && ip[1] == 255 && ip[2] == 255;
}

bool dns_list_means(const struct dns_list *list, const uint8_t ip[4], unsigned *out_symbol)
{
    if (dns_list_is_refusal(ip) || ip[0] != 127) /* RFC 5782 2.1: others are parked domains */
        return false;
    for (unsigned i = 0; i < list->code_count; i++) {
        const struct dns_list_code *code = &list->codes[i];
        unsigned octet = 0;
        while (octet < 4 && octet_fits(&code->octets[octet], ip[octet]))
            octet++;
        if (octet == 4) {
            *out_symbol = code->symbol;
            return true;
        }
    }
    return false;
}

static slice join(slice name, slice zone, char text[DNS_LIST_NAME_SIZE])
{
    if (name.size + 1 + zone.size > DNS_NAME_SIZE_MAX)
        return SLICE_EMPTY;
    int size = snprintf(text, DNS_LIST_NAME_SIZE, "%.*s.%.*s", SLICE_ARG(name), SLICE_ARG(zone));
    return slice_of(text, (size_t)size);
}

slice dns_list_address_name(const struct dns_list *list, const struct address *address,
                            char text[DNS_LIST_NAME_SIZE])
{
    if (!address_is_ip(address))
        return SLICE_EMPTY;
    char reverse[DNS_REVERSE_SIZE];
    slice name = dns_reverse_name(address->ip, address->family == ADDRESS_IPV4 ? 4 : 16, reverse),
          arpa;
    slice_cut_last(name, '.', &name, &arpa); /* without "in-addr.arpa" */
    slice_cut_last(name, '.', &name, &arpa);
    return join(name, list->zone, text);
}

slice dns_list_domain_name(const struct dns_list *list, slice domain, char text[DNS_LIST_NAME_SIZE])
{
    return join(domain, list->zone, text);
}
