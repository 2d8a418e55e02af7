/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a TXT record at _smtp._tls says.
 */
#include "base/assert.h"
#include "format/mail/tlsrpt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tlsrpt_record record;
    struct arena arena;
    arena_init(&arena, 256 << 10);
    if (!failed(tlsrpt_record_parse(slice_of(data, size), &arena, &record))) {
        ASSERT(record.count > 0 && record.count <= TLSRPT_TARGETS_MAX);
        for (unsigned i = 0; i < record.count; i++) {
            slice address = record.targets[i].address;
            ASSERT(slice_find_byte(address, '\r') < 0 && slice_find_byte(address, '\n') < 0);
            ASSERT(record.targets[i].kind != TLSRPT_MAIL || slice_find_byte(address, '@') > 0);
        }
    }
    arena_close(&arena);
    return 0;
}
