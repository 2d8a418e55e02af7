/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What was prepared is UTF-8, and preparing it again changes nothing.
 */
#include "base/assert.h"
#include "base/utf8.h"
#include "format/text/saslprep.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char room[SASLPREP_SIZE_MAX], other[SASLPREP_SIZE_MAX];
    slice prepared, again;
    if (failed(saslprep(slice_of(data, size), room, &prepared)))
        return 0;
    ASSERT(prepared.size > 0 && prepared.size <= SASLPREP_SIZE_MAX && utf8_is_valid(prepared));
    ASSERT(!failed(saslprep(prepared, other, &again)) && slice_equal(prepared, again));
    return 0;
}
