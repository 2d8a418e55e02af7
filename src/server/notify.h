#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Tells systemd how we are (sd_notify(3) without its library).
 */

/* "READY=1", "RELOADING=1", "STOPPING=1". Nothing happens where nobody listens ($NOTIFY_SOCKET). */
void notify_system(const char *state);
