/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A transport as the directory gives it.
 */
#include "base/assert.h"
#include "transport/route/transport.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct route_transport transport;
    arena_init(&arena, 1 << 16);
    if (!failed(route_transport_parse(slice_of(data, size), &arena, &transport))) {
        ASSERT(transport.kind <= ROUTE_LATER);
        ASSERT(transport.text.size <= ROUTE_TRANSPORT_TEXT_MAX);
        ASSERT(!transport.mx || transport.address.family == ADDRESS_NONE);
        if (transport.kind == ROUTE_LMTP)
            ASSERT(transport.host.size || transport.address.family != ADDRESS_NONE);
        if (transport.kind == ROUTE_REFUSE)
            ASSERT(transport.enhanced[0] == 5 && transport.text.size > 0);
    }
    arena_close(&arena);
    return 0;
}
