#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The queue as the outlet of deliveries: redirects and answers of Sieve scripts.
 */
#include "transport/deliver/outlet.h"

/* When the queue starts. */
void queue_open_outlet(void);
