#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What was wrong with an account's scripts, where the account's owner finds it: beside the link to
 * the active script, "HOME/.dovecot.sieve.log", as Pigeonhole does. Bounded by sieve.log_size_max:
 * then it becomes ".0", in place of the one before. In place, any core.
 */
#include "base/slice.h"

#include <stddef.h>

enum { SIEVE_LOG_LINE_SIZE_MAX = 1024 };

/* One line: date, mail, text. A log that cannot be written is nobody's trouble. */
void sieve_log_write(const char *path, size_t size_max, slice id, slice text);
