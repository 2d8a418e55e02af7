/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "transport/deliver/outlet.h"

#include <stdatomic.h>
#include <stddef.h>

static _Atomic(outlet_function *) outlet;

void outlet_set(outlet_function *function)
{
    atomic_store_explicit(&outlet, function, memory_order_release);
}

error outlet_submit(const struct outlet_mail *mail)
{
    outlet_function *function = atomic_load_explicit(&outlet, memory_order_acquire);
    return function ? function(mail) : error_make(ERROR_TEMPORARY, "nothing can be sent on now");
}
