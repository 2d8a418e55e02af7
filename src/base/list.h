#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Intrusive doubly linked list. The head is a node of its own; a node that is in no list points at
 * itself, so that removing twice is harmless.
 */
#include <stdbool.h>
#include <stddef.h>

struct list {
    struct list *next;
    struct list *previous;
};

static inline void list_init(struct list *node)
{
    node->next = node->previous = node;
}
static inline bool list_is_empty(const struct list *head)
{
    return head->next == head;
}
static inline void list_insert_after(struct list *at, struct list *node)
{
    node->next = at->next;
    node->previous = at;
    at->next->previous = node;
    at->next = node;
}
static inline void list_append(struct list *head, struct list *node)
{
    list_insert_after(head->previous, node);
}
static inline void list_prepend(struct list *head, struct list *node)
{
    list_insert_after(head, node);
}
static inline void list_remove(struct list *node)
{
    node->next->previous = node->previous;
    node->previous->next = node->next;
    list_init(node);
}

#define CONTAINER_OF(pointer, type, member)                                                        \
    ((type *)(void *)((char *)(pointer)-offsetof(type, member)))
/* First entry or NULL. */
#define LIST_FIRST(head, type, member)                                                             \
    (list_is_empty(head) ? NULL : CONTAINER_OF((head)->next, type, member))
/* Safe against removal of `entry` itself inside the body. */
#define LIST_EACH(head, entry, member)                                                             \
    for (struct list *each_ = (head)->next, *next_ = each_->next;                                  \
         each_ != (head) && ((entry) = CONTAINER_OF(each_, __typeof__(*(entry)), member), 1);      \
         each_ = next_, next_ = each_->next)
