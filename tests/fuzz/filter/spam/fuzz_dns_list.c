/* SPDX-License-Identifier: GPL-3.0-or-later
 * A list as an operator writes it: what parses can be asked, and hears only what it names.
 */
#include "base/assert.h"
#include "filter/spam/dns_list.h"
#include "format/dns/message.h"

#include <limits.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned find(const void *argument, slice name)
{
    (void)argument;
    return name.size == 1 ? (unsigned char)name.data[0] : UINT_MAX;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct dns_list_names names = {find, NULL};
    struct dns_list list = {.domains = true};
    char text[DNS_LIST_NAME_SIZE];
    if (failed(dns_list_parse(slice_of(data, size), &names, &list)))
        return 0;
    ASSERT(list.code_count > 0 && list.code_count <= DNS_LIST_CODES_MAX && list.domains);
    unsigned symbol;
    for (unsigned last = 0; last < 256; last++) {
        const uint8_t ip[4] = {127, 0, 0, (uint8_t)last};
        ASSERT(!dns_list_means(&list, ip, &symbol) || symbol < 256);
    }
    slice name = dns_list_domain_name(&list, SLICE("shop.example"), text);
    ASSERT(name.size == 0 || dns_name_is_valid(name));
    return 0;
}
