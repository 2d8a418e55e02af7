#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The core loop's side of runtime/timer.h. Private to runtime.
 */
#include "base/time.h"

/* Empties the calling thread's wheel and starts its clock. */
void timers_begin(void);
/* Sets timer_now and fires what is due. */
void timers_run(instant now);
/* When timers_run has something to do next, never later than the first timer; TIME_NEVER without
 * timers. */
instant timers_next(void);
