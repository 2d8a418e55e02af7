/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Any bytes as a certificate: views stay within it, names are found in linear time.
 */
#include "base/assert.h"
#include "format/tls/x509.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_within(slice part, slice whole)
{
    ASSERT(part.size == 0 ||
           (part.data >= whole.data && part.data + part.size <= whole.data + whole.size));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    slice der = slice_of(data, size), name;
    struct x509 x509;
    if (failed(x509_parse(der, &x509)))
        return 0;
    const slice parts[] = {x509.key, x509.issuer, x509.subject, x509.alternative, x509.common_name};
    for (unsigned i = 0; i < sizeof parts / sizeof *parts; i++)
        check_within(parts[i], der);
    ASSERT(x509.key.size >= 2);
    for (slice rest = x509.alternative; x509_next_name(&rest, &name);) {
        check_within(name, x509.alternative);
        if (slice_find_byte(name, '\0') >= 0)
            ASSERT(!x509_is_for(&(struct x509){.common_name = name}, name, true));
    }
    (void)x509_is_for(&x509, SLICE("mx.b.example"), true);
    return 0;
}
