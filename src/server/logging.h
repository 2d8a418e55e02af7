#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Where log lines go. The descriptor's number never changes, so that cores may write while a file
 * is opened again (after logrotate moved it).
 */
#include "server/config/settings.h"

error logging_open(const struct log_settings *settings);
