/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A PROXY header fed as a connection feeds it: just as many bytes as it asks for, each time in
 * memory of exactly that size.
 */
#include "base/assert.h"
#include "format/proxy/header.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct proxy_header header;
    size_t have = 0, wanted = 1;
    while (wanted) {
        char *input = malloc(have ? have : 1);
        memcpy(input, data, have);
        error problem = proxy_header_parse(slice_of(input, have), &header, &wanted);
        if (!failed(problem) && wanted == 0) {
            ASSERT(header.version == 1 || header.version == 2);
            ASSERT(header.authority.size <= have);
        }
        free(input);
        if (failed(problem) || wanted > size)
            break;
        ASSERT(wanted == 0 || (wanted > have && wanted <= PROXY_HEADER_SIZE_MAX));
        have = wanted;
    }
    return 0;
}
