/* SPDX-License-Identifier: GPL-3.0-or-later
 * Expressions over symbols: what parses can be asked, whatever was found.
 */
#include "base/assert.h"
#include "filter/spam/composite.h"

#include <limits.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned find(const void *argument, slice name)
{
    (void)argument;
    return name.size == 1 ? (unsigned char)name.data[0] : UINT_MAX;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct spam_composite_names names = {find, NULL};
    static const uint64_t none[4], all[4] = {~0ULL, ~0ULL, ~0ULL, ~0ULL};
    struct spam_composite composite;
    slice where = SLICE_EMPTY;
    if (failed(spam_composite_parse(slice_of(data, size), &names, &composite, &where)))
        return 0;
    ASSERT(composite.step_count > 0 && composite.step_count <= SPAM_COMPOSITE_STEPS_MAX);
    spam_composite_holds(&composite, none);
    spam_composite_holds(&composite, all);
    return 0;
}
