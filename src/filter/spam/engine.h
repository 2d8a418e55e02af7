#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Our own judgement: a table of rules, each a function that looks at one mail and may add a symbol.
 * Rules are pure unless their row says that they ask DNS; those are started first and awaited last.
 * Scores are settings (spam.scores); composites combine symbols. Every rule has its histogram of
 * time and its counters, so that an operator sees what each of them costs and catches.
 */
#include "filter/spam/spam.h"

/* WAITS. Adds symbols and their score to the verdict; decides nothing. */
error spam_engine_judge(const struct spam_mail *mail, struct arena *arena,
                        struct spam_verdict *verdict);
