#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Connects out. One address at a time; choosing among several is the caller's.
 */
#include "base/error.h"
#include "net/address.h"
#include "net/stream.h"

struct dial_options {
    struct address source; /* ADDRESS_NONE: the kernel's choice; port 0: any */
};

/* WAITS. TCP or Unix. ERROR_TIMEOUT at the deadline, else what the kernel says. options may be
 * NULL.
 */
error dial(const struct address *to, const struct dial_options *options, instant deadline,
           struct stream **out_stream);
