/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "filter/spam/engine_settings.h"

#include <stdio.h>

#define SCORE_(NAME, score, group, help)                                                           \
    SETTING_DECIMAL(struct spam_scores, NAME, score, -100000, 100000, SETTING_RELOADABLE, help),
static const struct setting score_rows[] = {SPAM_SYMBOLS(SCORE_)};
#undef SCORE_

#define CAP_(NAME, name, cap, help)                                                                \
    SETTING_DECIMAL(struct spam_caps, name, cap, 0, 1000000, SETTING_RELOADABLE, help),
static const struct setting cap_rows[] = {SPAM_GROUPS(CAP_)};
#undef CAP_

#define OWNER struct spam_rules_settings
static const struct setting rule_rows[] = {
    SETTING_LIST(OWNER, composites, "", SETTING_RELOADABLE,
                 "symbols of your own: \"NAME SCORE EXPRESSION\", as in \"OUR_PHISH 3 "
                 "LINK_SHOWS_OTHER & !DKIM_PASS\""),
    SETTING_LIST(OWNER, freemail,
                 "gmail.com googlemail.com yahoo.com yahoo.co.uk yahoo.de yahoo.fr ymail.com "
                 "outlook.com hotmail.com hotmail.co.uk live.com msn.com aol.com gmx.de gmx.net "
                 "gmx.com gmx.at gmx.ch web.de freenet.de t-online.de mail.ru bk.ru inbox.ru "
                 "list.ru yandex.ru yandex.com rambler.ru qq.com 163.com 126.com sina.com "
                 "foxmail.com proton.me protonmail.com tutanota.com tuta.io zoho.com mail.com "
                 "email.com icloud.com me.com orange.fr wanadoo.fr laposte.net free.fr libero.it "
                 "virgilio.it seznam.cz wp.pl o2.pl onet.pl interia.pl rediffmail.com naver.com",
                 SETTING_RELOADABLE, "domains where anybody gets an address"),
    SETTING_LIST(OWNER, shorteners,
                 "bit.ly tinyurl.com goo.gl t.co ow.ly is.gd v.gd buff.ly cutt.ly rebrand.ly "
                 "shorturl.at rb.gy t.ly tiny.cc bl.ink s.id soo.gd adf.ly lnkd.in clck.ru "
                 "u.to qr.ae x.gd shorte.st tinylink.in dub.sh",
                 SETTING_RELOADABLE, "hosts whose links lead to any place"),
    SETTING_LIST(OWNER, skip,
                 "w3.org schemas.microsoft.com google.com gmail.com apple.com microsoft.com "
                 "github.com wikipedia.org youtube.com facebook.com twitter.com x.com "
                 "linkedin.com instagram.com amazon.com paypal.com mozilla.org",
                 SETTING_RELOADABLE, "domains that no list is asked about"),
    SETTING_NUMBER(OWNER, learn_minimum, 200, 1, 1000000, SETTING_RELOADABLE,
                   "mails of each kind that must have been learned before it counts"),
    SETTING_PATH(OWNER, learn_path, "", 0,
                 "the file of what was learned; empty: spam.learned in the store's folder"),
};
#undef OWNER

#define OWNER struct spam_lists_settings
static const struct setting list_rows[] = {
    SETTING_FLAG(OWNER, enabled, true, SETTING_RELOADABLE,
                 "ask DNS lists about mail that comes from public addresses"),
    SETTING_DURATION(OWNER, timeout, 2 * TIME_S, 10 * TIME_MS, 60 * TIME_S, SETTING_RELOADABLE,
                     "for all answers of one mail; what is not there then is not counted"),
    SETTING_LIST(OWNER, addresses, "", SETTING_RELOADABLE,
                 "lists of hosts, \"ZONE CODES=SYMBOL ...\"; empty: the built-in ones"),
    SETTING_LIST(OWNER, domains, "", SETTING_RELOADABLE,
                 "lists of domains, written alike; empty: the built-in ones"),
};

const struct setting_table spam_scores_setting_table =
    SETTING_TABLE("spam.scores", struct spam_scores, score_rows);
const struct setting_table spam_caps_setting_table =
    SETTING_TABLE("spam.caps", struct spam_caps, cap_rows);
const struct setting_table spam_rules_setting_table =
    SETTING_TABLE("spam.rules", struct spam_rules_settings, rule_rows);
const struct setting_table spam_lists_setting_table =
    SETTING_TABLE("spam.lists", struct spam_lists_settings, list_rows);

slice spam_learned_path(const struct spam_rules_settings *rules, slice store,
                        char text[SPAM_LEARNED_PATH_SIZE])
{
    if (rules->learn_path.size > 0)
        return rules->learn_path;
    int size = snprintf(text, SPAM_LEARNED_PATH_SIZE, "%.*s/spam.learned", SLICE_ARG(store));
    return size < SPAM_LEARNED_PATH_SIZE ? slice_of(text, (size_t)size) : SLICE_EMPTY;
}
