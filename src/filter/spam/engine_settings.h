#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What an operator may say about our own rules: a score for each symbol (section spam.scores, 0
 * switches it off), the most a group may add (spam.caps), rules of their own and what they know
 * (spam.rules), and which DNS lists are asked (spam.lists). The first two tables are made of
 * symbols.h, so a name that is no symbol is refused with the nearest one that is.
 */
#include "base/setting.h"
#include "filter/spam/symbols.h"

struct spam_scores {
#define SPAM_FIELD_(NAME, score, group, help) double NAME;
    SPAM_SYMBOLS(SPAM_FIELD_)
#undef SPAM_FIELD_
};

struct spam_caps {
#define SPAM_FIELD_(NAME, name, cap, help) double name;
    SPAM_GROUPS(SPAM_FIELD_)
#undef SPAM_FIELD_
};

struct spam_rules_settings {
    struct setting_list composites; /* "NAME SCORE EXPRESSION" */
    struct setting_list freemail;   /* domains that give addresses to anybody */
    struct setting_list shorteners; /* hosts whose links lead elsewhere */
    struct setting_list skip;       /* domains whose links are not looked up */
    int64_t learn_minimum;          /* mails of each kind before what was learned speaks */
    slice learn_path;               /* the classifier's table; empty: none */
};

struct spam_lists_settings {
    bool enabled;
    int64_t timeout;               /* ns: for all answers of one mail together */
    struct setting_list addresses; /* "ZONE CODES=SYMBOL ..." */
    struct setting_list domains;
};

extern const struct setting_table spam_scores_setting_table;
extern const struct setting_table spam_caps_setting_table;
extern const struct setting_table spam_rules_setting_table;
extern const struct setting_table spam_lists_setting_table;

struct spam_engine_settings {
    const struct spam_scores *scores;
    const struct spam_caps *caps;
    const struct spam_rules_settings *rules;
    const struct spam_lists_settings *lists;
};

/* Where what was learned lies: spam.rules.learn_path, else "spam.learned" in the store's folder. */
enum { SPAM_LEARNED_PATH_SIZE = 2 * SETTING_PATH_SIZE_MAX };
slice spam_learned_path(const struct spam_rules_settings *rules, slice store,
                        char text[SPAM_LEARNED_PATH_SIZE]);

/* What the tables alone cannot tell: composites and lists that cannot be read, symbols in them that
 * do not exist. One line a mistake. */
void spam_engine_settings_check(const struct spam_engine_settings *settings,
                                struct buffer *problems);
