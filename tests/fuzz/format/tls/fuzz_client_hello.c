/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A ClientHello as it arrives, from nothing to all of the input.
 */
#include "base/assert.h"
#include "format/tls/client_hello.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tls_client_hello hello;
    struct buffer joined;
    size_t have = 0, wanted = 1;
    buffer_init(&joined, 4 * TLS_CLIENT_HELLO_SIZE_MAX);
    while (wanted) {
        char *records = malloc(have ? have : 1);
        memcpy(records, data, have);
        error problem = tls_client_hello_parse(slice_of(records, have), &joined, &hello, &wanted);
        if (!failed(problem) && wanted == 0) {
            slice rest = hello.protocols, name;
            while (tls_client_hello_protocol(&rest, &name))
                ASSERT(name.size > 0);
            ASSERT(rest.size == 0 && hello.server_name.size <= 255);
        }
        free(records);
        if (failed(problem) || wanted > size)
            break;
        ASSERT(wanted == 0 || wanted > have);
        have = wanted;
    }
    buffer_close(&joined);
    return 0;
}
