/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/address.h"

#include "base/cursor.h"

#include <stdio.h>
#include <string.h>

static bool same_prefix(const uint8_t *a, const uint8_t *b, unsigned bits)
{
    unsigned whole = bits / 8, rest = bits % 8;
    if (memcmp(a, b, whole) != 0)
        return false;
    return rest == 0 || (a[whole] ^ b[whole]) >> (8 - rest) == 0;
}

error network_parse(slice text, struct network *out_network)
{
    if (slice_equal_nocase(text, SLICE("unix"))) {
        *out_network = (struct network){.family = ADDRESS_UNIX};
        return OK;
    }
    slice host, prefix;
    bool has_prefix = slice_cut(text, '/', &host, &prefix);
    struct address address;
    TRY(address_parse_ip(host, &address));
    /* "::ffff:10.0.0.0/104" is a prefix in IPv6 bits; addresses are kept as IPv4. */
    bool mapped = address.family == ADDRESS_IPV4 && slice_find_byte(host, ':') >= 0;
    uint64_t bits_max = mapped || address.family == ADDRESS_IPV6 ? 128 : 32, bits = bits_max;
    struct cursor cursor = cursor_over(prefix);
    if (has_prefix && (!cursor_take_u64(&cursor, bits_max, &bits) || !cursor_done(&cursor)))
        return error_make(ERROR_MALFORMED, "the prefix of a network is 0 to 32, for IPv6 to 128");
    if (mapped) {
        if (bits < 96)
            return error_make(ERROR_MALFORMED,
                              "a network of mapped IPv4 has a prefix of 96 to 128");
        bits -= 96;
    }
    struct network network = {.family = address.family, .bits = (uint8_t)bits};
    memcpy(network.ip, address.ip, sizeof network.ip);
    for (unsigned bit = (unsigned)bits; bit < sizeof network.ip * 8; bit++)
        if (network.ip[bit / 8] >> (7 - bit % 8) & 1)
            return error_make(ERROR_MALFORMED, "bits are set past the prefix of a network");
    *out_network = network;
    return OK;
}

bool network_matches(const struct network *network, const struct address *address)
{
    if (network->family != address->family)
        return false;
    return network->family == ADDRESS_UNIX || same_prefix(network->ip, address->ip, network->bits);
}

slice network_format(const struct network *network, char text[ADDRESS_TEXT_SIZE])
{
    struct address address = {.family = network->family};
    char ip[ADDRESS_TEXT_SIZE];
    if (network->family == ADDRESS_UNIX)
        return slice_from_string(memcpy(text, "unix", sizeof "unix"));
    memcpy(address.ip, network->ip, sizeof address.ip);
    address_format_ip(&address, ip);
    snprintf(text, ADDRESS_TEXT_SIZE, "%.60s/%u", ip, network->bits);
    return slice_from_string(text);
}

static const uint64_t set_separators[4] = {1ull << ' ' | 1ull << '\t' | 1ull << '\n' |
                                           1ull << '\r' | 1ull << ','};

/* The next word of the list, or false. */
static bool take_word(struct cursor *cursor, slice *out_word)
{
    slice blank;
    (void)cursor_take_set(cursor, set_separators, &blank);
    const uint64_t set_word[4] = {~set_separators[0], ~0ull, ~0ull, ~0ull};
    return cursor_take_set(cursor, set_word, out_word);
}

error network_list_parse(slice text, struct arena *arena, struct network_list *out_list)
{
    struct network_list list = {0};
    slice word;
    size_t count = 0;
    for (struct cursor cursor = cursor_over(text); take_word(&cursor, &word);)
        count++;
    list.networks = ARENA_ARRAY(arena, struct network, count ? count : 1);
    TRY_MEMORY(list.networks);
    for (struct cursor cursor = cursor_over(text); take_word(&cursor, &word);)
        TRY(network_parse(word, &list.networks[list.count++]));
    *out_list = list;
    return OK;
}

bool network_list_matches(const struct network_list *list, const struct address *address)
{
    for (size_t i = 0; list && i < list->count; i++)
        if (network_matches(&list->networks[i], address))
            return true;
    return false;
}
