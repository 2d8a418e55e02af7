/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Any format of unique ids: one that was found good gives ids that a listing can hold (RFC 1939 7).
 */
#include "base/assert.h"
#include "format/pop3/uidl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct pop3_uidl_parts parts = {UINT32_MAX, UINT32_MAX, SLICE("x")};
    slice format = slice_of(data, size);
    struct buffer out;
    if (failed(pop3_uidl_check(format)))
        return 0;
    buffer_init(&out, 4096);
    pop3_uidl_write(format, &parts, &out);
    ASSERT(out.size > 0 && out.size <= POP3_UIDL_SIZE_MAX);
    for (size_t i = 0; i < out.size; i++)
        ASSERT(out.data[i] >= 0x21 && out.data[i] <= 0x7e);
    buffer_close(&out);
    return 0;
}
