#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Replay of the journals at start, before anything is served.
 */
#include "base/error.h"

/* WAITS. Puts back what is missing, exactly once, on the home cores; then syncs and frees the
 * journals. Runs on one core while no journal is open. */
error store_recover(void);
