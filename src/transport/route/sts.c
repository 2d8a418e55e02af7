/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "transport/route/sts.h"

error sts_start(const struct sts_options *options)
{
    (void)options;
    return OK;
}

void sts_stop(void)
{
}

error sts_find(slice domain, struct arena *arena, instant deadline,
               struct mta_sts_policy *out_policy)
{
    (void)domain, (void)arena, (void)deadline;
    *out_policy = (struct mta_sts_policy){0};
    return OK;
}

void sts_report_unnamed(slice domain, slice host)
{
    (void)domain, (void)host;
}
