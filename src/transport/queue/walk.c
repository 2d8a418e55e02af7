/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runtime/fiber.h"
#include "transport/queue/keep.h"
#include "transport/queue/owner.h"

enum { STEPS_PER_TURN = 512 };

void queue_walk_begin(struct queue_walk *walk)
{
    *walk = (struct queue_walk){.next = queue_keep_next(NULL)};
    list_append(&queue_owner.walks, &walk->node);
}

struct queue_mail *queue_walk_next(struct queue_walk *walk)
{
    if (++walk->steps % STEPS_PER_TURN == 0)
        error_ignore(fiber_yield()); /* cancelled: the walk is a bounded rest of work */
    struct queue_mail *mail = walk->next;
    if (mail)
        walk->next = queue_keep_next(mail);
    return mail;
}

void queue_walk_end(struct queue_walk *walk)
{
    list_remove(&walk->node);
}

void queue_walk_forget(const struct queue_mail *mail)
{
    struct queue_walk *walk;
    LIST_EACH (&queue_owner.walks, walk, node)
        if (walk->next == mail)
            walk->next = queue_keep_next(mail);
}
