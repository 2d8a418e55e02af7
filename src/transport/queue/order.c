/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What operators order. Each core obeys for its own mails.
 */
#include "base/log.h"
#include "runtime/fiber.h"
#include "runtime/message.h"
#include "transport/queue/keep.h"
#include "transport/queue/owner.h"
#include "transport/queue/selection.h"

#include <stdatomic.h>

enum { RECALL_POLL_MS = 1, RECALL_TIMEOUT_S = 5 };

struct ordering {
    enum queue_order order;
    int64_t began; /* seconds */
    const struct queue_selection *selection;
    _Atomic uint64_t done;
};

/* WAITS where the decision does. */
static void decide_now(struct queue_item *item, bool urgent)
{
    int64_t now = time_wall_seconds();
    if (item->due > now)
        item->due = now;
    item->urgent = urgent;
    queue_item_decide(item, 0);
}

/* Its sender wanted it to go later, and it did not yet (RFC 4865). */
static bool is_early(const struct queue_item *item, int64_t now)
{
    return item->state == QUEUE_ITEM_WAITING && item->attempts == 0 && item->mail->hold_until > now;
}

/* What waits for its sender's time goes on waiting: that is for `release`. */
static bool flush(struct queue_mail *mail)
{
    bool any = false;
    int64_t now = time_wall_seconds();
    for (uint32_t i = 0; i < mail->item_count && !mail->held; i++) {
        struct queue_item *item = &mail->items[i];
        if (item->state != QUEUE_ITEM_WAITING || is_early(item, now) || !queue_item_take(item))
            continue;
        decide_now(item, true);
        any = true;
    }
    return any;
}

static bool hold(struct queue_mail *mail)
{
    if (mail->held)
        return false;
    mail->held = true;
    queue_keep_state(mail, NULL);
    for (uint32_t i = 0; i < mail->item_count; i++)
        if (queue_item_take(&mail->items[i])) /* else it is held when it comes back */
            queue_item_decide(&mail->items[i], 0);
    return true;
}

/* Also what its sender wanted to go later (RFC 4865). */
static bool release(struct queue_mail *mail)
{
    bool any = mail->held;
    int64_t now = time_wall_seconds();
    mail->held = false;
    if (any)
        queue_keep_state(mail, NULL);
    for (uint32_t i = 0; i < mail->item_count; i++) {
        struct queue_item *item = &mail->items[i];
        if ((item->state != QUEUE_ITEM_HELD && !is_early(item, now)) || !queue_item_take(item))
            continue;
        decide_now(item, false);
        any = true;
    }
    return any;
}

static bool give_up(struct queue_mail *mail, enum queue_outcome verdict)
{
    if (mail->verdict != QUEUE_OPEN)
        return false;
    mail->verdict = (uint8_t)verdict;
    for (uint32_t i = 0; i < mail->item_count; i++)
        if (queue_item_take(&mail->items[i])) /* else when it comes back */
            queue_item_decide(&mail->items[i], 0);
    return true;
}

static bool obey(enum queue_order order, struct queue_mail *mail)
{
    bool done = false;
    mail->items_left++; /* it stays while we are at it */
    switch (order) {
    case QUEUE_FLUSH:
        done = flush(mail);
        break;
    case QUEUE_HOLD:
        done = hold(mail);
        break;
    case QUEUE_RELEASE:
        done = release(mail);
        break;
    case QUEUE_DELETE:
        done = give_up(mail, QUEUE_DELETED);
        break;
    case QUEUE_BOUNCE:
        done = give_up(mail, QUEUE_FAILED);
        break;
    }
    queue_mail_leave(mail);
    return done;
}

/* Bounces that this very order made are not meant by it. */
static bool is_meant(const struct ordering *ordering, const struct queue_mail *mail)
{
    bool is_own = ordering->order == QUEUE_BOUNCE && mail->sender.size == 0 &&
                  mail->arrived >= ordering->began;
    return !is_own && queue_selection_matches(ordering->selection, mail);
}

static bool is_enough(struct ordering *ordering)
{
    unsigned most = ordering->selection->count_max;
    return most > 0 && ordering->done >= most;
}

/* What was recalled from its sites is decided upon by the hands. */
static void await_recalled(void)
{
    instant deadline = time_after(RECALL_TIMEOUT_S * TIME_S);
    while ((queue_owner.recalls > 0 || !list_is_empty(&queue_owner.chores)) &&
           time_now() < deadline)
        if (failed(fiber_sleep(RECALL_POLL_MS * TIME_MS)))
            return;
}

static error order_here(void *argument)
{
    struct ordering *ordering = argument;
    struct queue_walk walk;
    struct queue_mail *mail;
    queue_id id = ordering->selection->id;
    queue_walk_begin(&walk);
    if (id != 0)
        walk.next = queue_keep_find(id);
    while (!is_enough(ordering) && (mail = queue_walk_next(&walk))) {
        if (is_meant(ordering, mail) && obey(ordering->order, mail))
            ordering->done++;
        if (id != 0)
            break;
    }
    queue_walk_end(&walk);
    await_recalled();
    return queue_keep_sync();
}

error queue_order(enum queue_order order, const struct queue_selection *selection,
                  uint64_t *out_count)
{
    static const char *const names[] = {
        [QUEUE_FLUSH] = "flush",   [QUEUE_HOLD] = "hold",     [QUEUE_RELEASE] = "release",
        [QUEUE_DELETE] = "delete", [QUEUE_BOUNCE] = "bounce",
    };
    struct ordering ordering = {
        .order = order,
        .began = time_wall_seconds(),
        .selection = selection,
    };
    error problem = core_broadcast(order_here, &ordering);
    struct log_line line = log_begin(LOG_INFO, "queue.order");
    log_string(&line, "order", names[order]);
    log_number(&line, "mails", (int64_t)ordering.done);
    log_error(&line, problem);
    log_end(&line);
    *out_count = ordering.done;
    return problem;
}
