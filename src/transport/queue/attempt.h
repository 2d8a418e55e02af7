#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One item over one connection: transactions of queue.recipients_per_mail recipients, their results
 * posted to the item's owner. On the site's core.
 */
#include "transport/queue/connection.h"

/* WAITS. The item is the owner's again afterwards. False: the connection is of no use any more. */
bool attempt_run(struct connection *c, struct queue_item *item);
/* No connection came about: the item gets that answer. */
void attempt_blame(struct connection *c, struct queue_item *item, error problem,
                   const struct remote_answer *answer, instant began);
/* What was said, or what happened, in words, for which `room` may be used. */
enum { ATTEMPT_WORDS_SIZE = 256 };
slice attempt_words(const struct remote_answer *answer, error problem,
                    char room[ATTEMPT_WORDS_SIZE]);
