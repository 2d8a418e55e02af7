/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Whatever an address is made of: its canonical form is canonical, and its home lies where it
 * should.
 */
#include "data/directory/address.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct directory_settings settings = {.detail_separator = SLICE("+"),
                                          .default_domain = SLICE("example.org")};
    struct directory_address address, again;
    struct arena arena;
    const char *home;
    arena_init(&arena, 1 << 20);
    if (!failed(directory_address_parse(&settings, slice_of(data, size), &arena, &address))) {
        if (address.local.size == 0 || address.local.size > DIRECTORY_LOCAL_SIZE_MAX)
            abort();
        /* Quotes around a local part are gone after the first time; those that stay are its own. */
        if (slice_find_byte(address.local, '"') < 0 &&
            (failed(directory_address_parse(&settings, address.whole, &arena, &again)) ||
             !slice_equal(address.whole, again.whole) ||
             !slice_equal(address.base_address, again.base_address)))
            abort();
        if (!failed(directory_path_expand(SLICE("/m/%d/%n"), address.local, address.domain, &arena,
                                          &home)) &&
            (strncmp(home, "/m/", 3) != 0 || strstr(home, "/../") || strstr(home, "//")))
            abort();
    }
    arena_close(&arena);
    return 0;
}
