/* SPDX-License-Identifier: GPL-3.0-or-later
 * Any bytes may claim to be an archive: names lie in it, the walk ends.
 */
#include "base/assert.h"
#include "filter/spam/zip.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct zip_reader reader;
    struct zip_entry entry;
    slice bytes = slice_of(data, size);
    if (failed(zip_open(bytes, &reader)))
        return 0;
    unsigned count = 0;
    while (zip_next(&reader, &entry)) {
        ASSERT(++count <= ZIP_ENTRIES_MAX);
        ASSERT(entry.name.data >= bytes.data &&
               entry.name.data + entry.name.size <= bytes.data + bytes.size);
    }
    return 0;
}
