#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a message says about its own judgement: the header fields X-Spam-Status and X-Spam-Level,
 * and X-Spam-Flag where it is junk. Pure.
 */
#include "base/buffer.h"
#include "filter/spam/spam.h"

enum { SPAM_LEVEL_MAX = 50 }; /* stars */

/* What junk bears, whoever found it to be. The queue knows it by this field. */
#define SPAM_FLAG_FIELD "X-Spam-Flag: YES\r\n"

/* Appends X-Spam-Status, folded, and X-Spam-Level, each with CRLF. `required`: the score from which
 * mail is junk; 0: no score is. Symbols that find no room in SPAM_FIELDS_SIZE_MAX are left out,
 * "..." stands for them. */
void spam_fields_write(const struct spam_verdict *verdict, double required, struct buffer *out);
/* Does what we put before a mail say that it is junk? */
bool spam_fields_say_junk(slice prefix);

/* Strangers' fields whose names begin with X-Spam become X-Said, in place: nothing moves, and
 * nobody takes them for ours. Returns how many. The header ends at the first empty line, or with
 * `size`. */
unsigned spam_fields_disown(char *message, size_t size);
