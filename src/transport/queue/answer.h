#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What servers said last, as items remember it. Thousands of mails for one dead host have the same
 * words: they are one counted copy on the owner core. What was read from disk at start is the
 * item's own until it is scheduled.
 */
#include "transport/queue/mail.h"

/* On the owner core. Without memory the item keeps what it had. */
void queue_item_remember(struct queue_item *item, slice answer);
/* On the owner core, or before the item has one. */
void queue_item_forget(struct queue_item *item);
