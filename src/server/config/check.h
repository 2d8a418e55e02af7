#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a single setting cannot know about itself: whether files are there, addresses make sense,
 * and settings fit each other.
 */
#include "base/buffer.h"

struct config;
struct ucl_entry;

/* Adds a line per problem. `entries` (NULL is fine) say on which line a setting was written. */
void config_check(const struct config *config, const struct ucl_entry *entries,
                  struct buffer *problems);
