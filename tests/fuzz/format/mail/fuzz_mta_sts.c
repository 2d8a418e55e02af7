/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a policy host serves, and what a TXT record says.
 */
#include "base/assert.h"
#include "format/mail/mta_sts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    slice text = slice_of(data, size), id;
    struct mta_sts_policy policy;
    struct arena arena;
    arena_init(&arena, 64 << 10);
    if (!failed(mta_sts_record_parse(text, &id)))
        ASSERT(id.size > 0 && id.size <= MTA_STS_ID_SIZE_MAX);
    if (!failed(mta_sts_policy_parse(text, &arena, &policy))) {
        ASSERT(policy.max_age <= MTA_STS_AGE_MAX);
        ASSERT(policy.mx_count <= MTA_STS_MX_MAX);
        ASSERT(policy.mode == MTA_STS_NONE || policy.mx_count > 0);
        for (unsigned i = 0; i < policy.mx_count; i++)
            ASSERT(slice_starts(policy.mx[i], SLICE("*")) || mta_sts_names(&policy, policy.mx[i]));
        (void)mta_sts_names(&policy, slice_sub(text, 0, 64));
    }
    arena_close(&arena);
    return 0;
}
