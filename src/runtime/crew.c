/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runtime/crew.h"

#include "base/assert.h"
#include "runtime/scheduler.h"

static _Thread_local struct crew root;

struct crew *crew_root(void)
{
    return &root;
}

void crew_init_apart(struct crew *crew)
{
    *crew = (struct crew){0};
    list_init(&crew->fibers);
    list_init(&crew->children);
    list_init(&crew->sibling);
    condition_init(&crew->changed);
}

void crew_init(struct crew *crew, struct crew *parent)
{
    crew_init_apart(crew);
    crew->parent = parent ? parent : &root;
    crew->cancelled = crew->parent->cancelled;
    list_append(&crew->parent->children, &crew->sibling);
}

void crew_enter(struct crew *crew, struct list *member)
{
    list_append(&crew->fibers, member);
    crew->count++;
    for (; crew; crew = crew->parent)
        crew->count_below++;
}

void crew_leave(struct crew *crew, struct list *member)
{
    list_remove(member);
    crew->count--;
    for (; crew; crew = crew->parent)
        if (--crew->count_below == 0)
            condition_wake_all(&crew->changed);
}

void crew_cancel(struct crew *crew)
{
    if (crew->cancelled)
        return;
    crew->cancelled = true;
    struct fiber *fiber;
    LIST_EACH (&crew->fibers, fiber, member)
        fiber_cancel_park(fiber);
    struct crew *child;
    LIST_EACH (&crew->children, child, sibling)
        crew_cancel(child);
}

error crew_join(struct crew *crew, instant deadline)
{
    while (crew->count_below > 0)
        TRY(condition_wait_steadfast(&crew->changed, deadline));
    return OK;
}

void crew_close(struct crew *crew)
{
    crew_cancel(crew);
    error_ignore(crew_join(crew, TIME_NEVER)); /* without a deadline it can only succeed */
    ASSERT(list_is_empty(&crew->children));    /* a crew is closed after those below it */
    list_remove(&crew->sibling);
}
