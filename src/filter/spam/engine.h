#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Our own judgement: a table of rules, each a function that looks at one mail and may add symbols
 * (rules.h, symbols.h). Rules are pure but for those that ask DNS; these ask first and are awaited
 * last. Scores are settings (spam.scores); composites combine symbols. Every rule has its histogram
 * of time and every symbol its counter, so that an operator sees what each costs and catches.
 */
#include "filter/spam/engine_settings.h"
#include "filter/spam/spam.h"

/* On each core, with the settings that hold from now on (again at a reload). They are not kept.
 * `learned`: the classifier's file; empty: none. */
error spam_engine_start(const struct spam_engine_settings *settings, slice learned);
/* When nobody judges on the core any more. */
void spam_engine_stop(void);

/* WAITS. Adds symbols and their score to the verdict; decides nothing. Before spam_engine_start it
 * is ERROR_BUG. */
error spam_engine_judge(const struct spam_mail *mail, struct arena *arena,
                        struct spam_verdict *verdict);
