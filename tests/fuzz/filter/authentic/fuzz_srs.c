/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Any address is forwarded or refused; what was forwarded comes back (but for needless quotes), and
 * nothing that was not comes back at all.
 */
#include "base/assert.h"
#include "filter/authentic/srs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const slice secret = {"0123456789abcdef", 16};
    struct arena arena;
    slice sender = slice_of(data, size), address, again, twice, back;
    arena_init(&arena, 1 << 20);
    ASSERT(failed(srs_reverse(secret, sender, 0, &arena, &back)));
    if (size && !failed(srs_forward(secret, sender, SLICE("b.example"), 0, &arena, &address)) &&
        !failed(srs_reverse(secret, address, 0, &arena, &back)) &&
        !failed(srs_forward(secret, back, SLICE("b.example"), 0, &arena, &again))) {
        ASSERT(!failed(srs_reverse(secret, again, 0, &arena, &twice)));
        ASSERT(slice_equal(twice, back));
    }
    arena_close(&arena);
    return 0;
}
