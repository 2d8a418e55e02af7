#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The line of items before one site. Higher priority (RFC 6710) goes first; among equals submitters
 * take turns, an item each, so that one with ten thousand mails delays another's single one by one
 * turn. Who may ask for a priority is the submission's affair. On the site's core; items are linked
 * by their node, everything is O(1).
 */
#include "base/map.h"
#include "transport/queue/mail.h"

enum {
    LINE_PRIORITY_MAX = 9,
    LINE_LEVELS = 2 * LINE_PRIORITY_MAX + 1,
    LINE_NAME_SIZE_MAX = 320, /* of a submitter, bytes; who agree in so many are one */
};

struct line {
    struct map parties;              /* by priority and submitter */
    struct list levels[LINE_LEVELS]; /* parties that have items, whose turn is next first */
    uint32_t occupied;               /* bit of a level: it has parties */
    unsigned count;                  /* items */
};

void line_init(struct line *line);
/* Of an empty line. */
void line_close(struct line *line);
/* At the end of its submitter's own; ERROR_LIMIT when the machine is out of memory. */
error line_add(struct line *line, struct queue_item *item);
/* Whose turn it is; NULL where the line is empty. */
struct queue_item *line_take(struct line *line);
/* Of an item's line, where it is in one (item->party is set). */
struct line *line_of(const struct queue_item *item);
void line_remove(struct queue_item *item);
