/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the classifier thinks: nothing before enough was learned of both kinds, nothing where it is
 * unsure, else as much of the score as it is sure.
 */
#include "filter/spam/classifier.h"
#include "filter/spam/rules.h"

enum { FEATURES_FEW = 12 };

error spam_rule_learned(struct spam_scan *scan)
{
    struct spam_classifier_answer answer;
    TRY(spam_scan_words(scan));
    error problem = spam_classifier_ask(scan->words, scan->word_count, scan->arena, &answer);
    if (problem.kind == ERROR_NOT_FOUND)
        return OK;
    TRY(problem);
    if (answer.ham_learned < scan->tables->learn_minimum ||
        answer.spam_learned < scan->tables->learn_minimum || answer.known < FEATURES_FEW)
        return OK;
    slice reason;
    TRY(arena_format(scan->arena, &reason, "%.3f by %u features", answer.spam, answer.known));
    if (answer.spam > 0.7)
        spam_scan_add(scan, SPAM_LEARNED_SPAM_FOUND, (answer.spam - 0.5) * 2, reason);
    else if (answer.spam < 0.3)
        spam_scan_add(scan, SPAM_LEARNED_HAM_FOUND, (0.5 - answer.spam) * 2, reason);
    return OK;
}
