#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The rules of our own engine, in the order in which they run. A rule looks at the scan and adds
 * symbols; an error is only memory or cancellation. To add one: a row here (or a symbol more for a
 * rule that is here), its symbols in symbols.h, its function in rules/<family>.c, its test.
 */
#include "filter/spam/scan.h"

#define SPAM_RULES(X)                                                                              \
    X(list_ask) /* asks DNS; does not wait */                                                      \
    X(spf)      /* rules/policy.c */                                                               \
    X(dkim)                                                                                        \
    X(dmarc)                                                                                       \
    X(hello) /* rules/host.c */                                                                    \
    X(reverse)                                                                                     \
    X(bulk)   /* rules/header.c */                                                                 \
    X(author) /* rules/author.c */                                                                 \
    X(replies)                                                                                     \
    X(recipients)                                                                                  \
    X(date) /* rules/header.c */                                                                   \
    X(message_id)                                                                                  \
    X(fields)                                                                                      \
    X(subject)     /* rules/subject.c */                                                           \
    X(structure)   /* rules/structure.c */                                                         \
    X(attachments) /* rules/attachments.c */                                                       \
    X(test_string) /* rules/text.c */                                                              \
    X(characters)                                                                                  \
    X(phrases)      /* rules/phrases.c */                                                          \
    X(html)         /* rules/html.c */                                                             \
    X(links)        /* rules/links.c */                                                            \
    X(learned)      /* rules/learned.c */                                                          \
    X(hello_name)   /* WAITS; rules/host.c */                                                      \
    X(list_answers) /* WAITS; rules/lists.c */                                                     \
    X(composites)   /* engine.c: what the others found, together */

#define SPAM_RULE_(name) error spam_rule_##name(struct spam_scan *scan);
SPAM_RULES(SPAM_RULE_)
#undef SPAM_RULE_
