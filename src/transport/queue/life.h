#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What all files of the queue share, on any core.
 */
#include "transport/queue/queue.h"

/* As they are now; look again after a wait. NULL before queue_load. */
const struct queue_settings *queue_settings_now(void);
const struct remote_settings *queue_remote_settings(void);
/* HELO, Reporting-MTA. */
slice queue_hostname(void);
