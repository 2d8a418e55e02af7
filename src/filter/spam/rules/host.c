/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How the sending host introduces itself, and what its name looks like. Hosts that are not public
 * (private networks, loopback) are ours to trust.
 */
#include "filter/spam/rules.h"
#include "net/dns/addresses.h"

error spam_rule_hello(struct spam_scan *scan)
{
    slice helo = scan->mail->helo;
    if (!address_is_public(&scan->mail->peer) || helo.size == 0)
        return OK;
    struct address address;
    if (helo.data[0] == '[')
        SPAM_ADD(scan, HELO_LITERAL, helo);
    else if (!failed(address_parse_ip(helo, &address)))
        SPAM_ADD(scan, HELO_BARE_ADDRESS, helo);
    else if (scan->mail->host.size > 0 && slice_equal_nocase(helo, scan->mail->host))
        SPAM_ADD(scan, HELO_OURS, helo);
    else if (slice_starts_nocase(helo, SLICE("localhost")))
        SPAM_ADD(scan, HELO_LOCALHOST, helo);
    else if (slice_find_byte(helo, '.') < 0)
        SPAM_ADD(scan, HELO_NO_DOT, helo);
    else if (scan->tables->score[SPAM_HELO_UNKNOWN_FOUND] != 0) /* awaited by hello_name */
        resolver_prefetch(helo, DNS_A);
    return OK;
}

/* WAITS */
error spam_rule_hello_name(struct spam_scan *scan)
{
    slice helo = scan->mail->helo;
    if (!address_is_public(&scan->mail->peer) || slice_find_byte(helo, '.') < 0 ||
        helo.data[0] == '[' || SPAM_HAS(scan, HELO_BARE_ADDRESS) || SPAM_HAS(scan, HELO_OURS) ||
        SPAM_HAS(scan, HELO_LOCALHOST) || scan->tables->score[SPAM_HELO_UNKNOWN_FOUND] == 0)
        return OK;
    struct dns_addresses addresses;
    instant deadline = time_after(scan->tables->lists_timeout);
    if (deadline > scan->mail->deadline)
        deadline = scan->mail->deadline;
    error problem = dns_addresses_find(helo, 0, scan->arena, deadline, &addresses);
    if (problem.kind == ERROR_NOT_FOUND || (!failed(problem) && addresses.count == 0))
        SPAM_ADD(scan, HELO_UNKNOWN, helo);
    return problem.kind == ERROR_CANCELLED ? problem : OK;
}

/* "dsl-203-0-113-7.pool.example": two octets of the address in the name. */
static bool names_address(slice name, const struct address *peer)
{
    if (peer->family != ADDRESS_IPV4)
        return false;
    unsigned seen = 0, number = 0, digits = 0;
    bool met[4] = {false};
    for (size_t i = 0; i <= name.size; i++) {
        if (i < name.size && ascii_is_digit(name.data[i]) && digits < 4) {
            number = number * 10 + (unsigned)(name.data[i] - '0');
            digits++;
            continue;
        }
        for (unsigned octet = 0; digits > 0 && octet < 4; octet++)
            if (!met[octet] && peer->ip[octet] == number) {
                met[octet] = true;
                seen++;
                break;
            }
        number = digits = 0;
    }
    return seen >= 3;
}

static bool says_dynamic(slice name)
{
    static const char *const words[] = {"dynamic", "dhcp",  "dialup", "dial-up", "pppoe",
                                        "adsl",    "dsl.",  "-dsl",   "cable",   "broadband",
                                        "pool.",   "-pool", "dyn.",   ".dip.",   "customer"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (slice_find_nocase(name, slice_from_string(words[i])) >= 0)
            return true;
    return false;
}

error spam_rule_reverse(struct spam_scan *scan)
{
    const struct authentic *authentic = scan->mail->authentic;
    if (!authentic || !address_is_public(&scan->mail->peer))
        return OK;
    slice name = authentic->reverse_name;
    char text[ADDRESS_TEXT_SIZE];
    if (!name.data && !authentic->reverse_unsure)
        SPAM_ADD(scan, REVERSE_MISSING, address_format_ip(&scan->mail->peer, text));
    else if (names_address(name, &scan->mail->peer) || says_dynamic(name))
        SPAM_ADD(scan, REVERSE_GENERIC, name);
    return OK;
}
