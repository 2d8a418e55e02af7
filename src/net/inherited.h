#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Listening sockets handed over by systemd (sd_listen_fds(3)), matched to listeners by address. At
 * start only, one thread. For the files of src/net.
 */
#include "net/address.h"

enum { INHERITED_MAX = 64 };

/* The descriptor bound to this address, made non-blocking; -1 where there is none. Each is claimed
 * once. */
int inherited_claim(const struct address *address);
