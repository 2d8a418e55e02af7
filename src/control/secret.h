#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control/control.h"

/* The hash to store: --hash as it is (checked), else a fresh one of the password, which is asked
 * for twice on a terminal or read as one line from standard input. Says what is wrong. */
enum control_exit control_secret_read(const struct control *control, const char *whose,
                                      struct buffer *out_hash);
/* The same for a word of a batch: a hash where it looks like one ("{" or "$" first), else a
 * password. */
enum control_exit control_secret_of(const struct control *control, slice word,
                                    struct buffer *out_hash);
