/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "transport/queue/schedule.h"

#include "base/assert.h"
#include "base/log.h"
#include "base/metric.h"
#include "base/random.h"
#include "runtime/fiber.h"
#include "transport/queue/answer.h"
#include "transport/queue/keep.h"
#include "transport/queue/owner.h"
#include "transport/queue/site.h"

#include <stdlib.h>

METRIC_GAUGE(waiting_gauge, "ringmail_queue_items", "state=\"waiting\"",
             "Recipients of one mail and domain, by state");
METRIC_GAUGE(out_gauge, "ringmail_queue_items", "state=\"out\"",
             "Recipients of one mail and domain, by state");
METRIC_GAUGE(held_gauge, "ringmail_queue_items", "state=\"held\"",
             "Recipients of one mail and domain, by state");

enum { LOOK_AGAIN_S = 86400 }; /* timers run on the steady clock, mail by the wall clock */

_Thread_local struct queue_owner queue_owner;

/* ---- The clock of a mail ---- */

/* RFC 2852: by-mode R ends it early. That mail released in the future lives from then on (RFC 4865)
 * is in `expires` already. */
static int64_t expiry_of(const struct queue_mail *mail)
{
    bool ends = mail->deliver_by != 0 && mail->deliver_by_mode == 'R';
    return ends && mail->deliver_by < mail->expires ? mail->deliver_by : mail->expires;
}

/* RFC 2852: by-mode N asks for a warning at that moment. INT64_MAX: none, or not any more. */
static int64_t warning_of(const struct queue_mail *mail)
{
    if (mail->warned || mail->sender.size == 0)
        return INT64_MAX;
    if (mail->deliver_by != 0 && mail->deliver_by_mode == 'N')
        return mail->deliver_by;
    int64_t after = queue_settings_now()->warn_after;
    int64_t since = mail->hold_until > mail->arrived ? mail->hold_until : mail->arrived;
    return after > 0 ? since + after / TIME_S : INT64_MAX;
}

static bool has_news(const struct queue_mail *mail, int64_t now)
{
    return now >= expiry_of(mail) || now >= warning_of(mail);
}

/* The first of them that is yet to come. */
static int64_t next_news(const struct queue_mail *mail, int64_t now)
{
    int64_t expiry = expiry_of(mail), warning = warning_of(mail), next = INT64_MAX;
    if (expiry > now)
        next = expiry;
    if (warning > now && warning < next)
        next = warning;
    return next;
}

static instant moment_of(int64_t at, int64_t now)
{
    int64_t left = at > now ? at - now : 0;
    return time_now() + (left < LOOK_AGAIN_S ? left : LOOK_AGAIN_S) * TIME_S;
}

/* For its due time where it waits for that, and for the mail's news in any state. */
static void arm(struct queue_item *item, int64_t now)
{
    int64_t at = next_news(item->mail, now);
    if (item->state == QUEUE_ITEM_WAITING && item->due < at)
        at = item->due;
    timer_set(&item->timer, moment_of(at, now));
}

/* ---- States ---- */

bool queue_item_is_open(const struct queue_item *item)
{
    for (uint32_t i = 0; i < item->count; i++)
        if (item->mail->recipients[item->first + i].outcome == QUEUE_OPEN)
            return true;
    return false;
}

static void count_state(uint8_t state, int by)
{
    static struct metric *const gauges[] = {
        [QUEUE_ITEM_WAITING] = &waiting_gauge,
        [QUEUE_ITEM_OUT] = &out_gauge,
        [QUEUE_ITEM_HELD] = &held_gauge,
    };
    if (state != QUEUE_ITEM_DONE)
        metric_add(gauges[state], by);
}

void queue_item_set_state(struct queue_item *item, enum queue_item_state state)
{
    if (item->state == state)
        return;
    if (state == QUEUE_ITEM_OUT)
        item->mail->content->out++;
    else if (item->state == QUEUE_ITEM_OUT)
        item->mail->content->out--;
    count_state(item->state, -1);
    count_state((uint8_t)state, +1);
    item->state = (uint8_t)state;
}

/* Pauses below a second are kept by the timer alone. */
void queue_item_wait(struct queue_item *item, int64_t pause)
{
    int64_t now = time_wall(), next = next_news(item->mail, now / TIME_S);
    item->due = (now + pause) / TIME_S;
    queue_item_set_state(item, QUEUE_ITEM_WAITING);
    instant news = moment_of(next, now / TIME_S), due = time_now() + pause;
    timer_set(&item->timer, news < due ? news : due);
}

static void hold(struct queue_item *item)
{
    queue_item_set_state(item, QUEUE_ITEM_HELD);
    arm(item, time_wall_seconds());
}

void queue_item_go(struct queue_item *item)
{
    queue_item_set_state(item, QUEUE_ITEM_OUT);
    item->core = QUEUE_PLACE_ROUTE;
    arm(item, time_wall_seconds());
    queue_way_join(item);
}

bool queue_item_take(struct queue_item *item)
{
    switch (item->state) {
    case QUEUE_ITEM_WAITING:
    case QUEUE_ITEM_HELD:
        queue_item_set_state(item, QUEUE_ITEM_OUT);
        item->core = QUEUE_PLACE_HERE;
        return true;
    case QUEUE_ITEM_OUT:
        if (item->core == QUEUE_PLACE_ROUTE) {
            queue_way_leave(item);
            item->core = QUEUE_PLACE_HERE;
            return true;
        }
        if (item->core < QUEUE_PLACE_ROUTE && !item->recalled && site_recall(item->core, item)) {
            item->recalled = true;
            queue_owner.recalls++;
        }
        return false;
    default:
        return false;
    }
}

static void fire(struct timer *timer)
{
    struct queue_item *item = CONTAINER_OF(timer, struct queue_item, timer);
    int64_t now = time_wall_seconds();
    if (has_news(item->mail, now) && item->state != QUEUE_ITEM_DONE) {
        if (queue_item_take(item))
            queue_item_chore(item);
    } else if (item->state == QUEUE_ITEM_WAITING && item->due <= now) {
        if (queue_owner.running) /* else it waits for the next start */
            queue_item_go(item);
    } else if (item->state != QUEUE_ITEM_DONE) {
        arm(item, now);
    }
}

/* ---- A mail comes and goes ---- */

void queue_schedule_add(struct queue_mail *mail)
{
    int64_t now = time_wall_seconds();
    mail->items_left = 1; /* ours */
    for (uint32_t i = 0; i < mail->item_count; i++) {
        struct queue_item *item = &mail->items[i];
        timer_init(&item->timer, fire);
        list_init(&item->node);
        if (item->state != QUEUE_ITEM_DONE)
            item->state = QUEUE_ITEM_WAITING;
        count_state(item->state, +1);
        if (item->state == QUEUE_ITEM_DONE)
            continue;
        mail->items_left++;
        if (item->response) /* its own until now: read at start */
            queue_item_remember(item, slice_from_string(item->response));
        if (item->attempts == 0 && item->due < mail->hold_until)
            item->due = mail->hold_until;
        if (has_news(mail, now) || !queue_item_is_open(item)) {
            (void)queue_item_take(item);
            queue_item_chore(item);
        } else if (mail->held) {
            hold(item);
        } else if (item->due <= now && queue_owner.running) {
            queue_item_go(item);
        } else {
            arm(item, now);
        }
    }
    queue_mail_leave(mail);
}

void queue_mail_leave(struct queue_mail *mail)
{
    ASSERT(mail->items_left > 0);
    if (--mail->items_left > 0)
        return;
    queue_walk_forget(mail);
    queue_keep_finish(&mail);
}

static void finish(struct queue_item *item)
{
    timer_cancel(&item->timer);
    queue_item_set_state(item, QUEUE_ITEM_DONE);
    queue_item_forget(item);
    queue_mail_leave(item->mail);
}

/* ---- What becomes of an item ---- */

static error obey_clock_and_operator(struct queue_item *item)
{
    const struct queue_mail *mail = item->mail;
    int64_t now = time_wall_seconds();
    if (!queue_item_is_open(item))
        return OK;
    if (mail->verdict != QUEUE_OPEN) /* RFC 3463: delivery not authorized */
        return queue_result_give_up(item, mail->verdict, (const int[]){5, 7, 1},
                                    SLICE("Given up by the operator"));
    if (now >= expiry_of(mail)) /* RFC 3463: delivery time expired; RFC 2852 4.1.5 */
        return queue_result_give_up(item, QUEUE_FAILED, (const int[]){5, 4, 7}, SLICE_EMPTY);
    if (now >= warning_of(mail))
        return queue_result_warn(item);
    return OK;
}

void queue_item_decide(struct queue_item *item, int64_t pause)
{
    error problem = obey_clock_and_operator(item);
    if (!failed(problem) && queue_result_owes(item))
        problem = queue_result_report_owed(item);
    int64_t now = time_wall_seconds();
    if (failed(problem))
        queue_item_wait(item, QUEUE_PRESSED_PAUSE_S * TIME_S);
    else if (!queue_item_is_open(item))
        finish(item);
    else if (item->mail->held)
        hold(item);
    else if (pause > 0)
        queue_item_wait(item, pause);
    else if (item->due <= now && queue_owner.running)
        queue_item_go(item);
    else {
        queue_item_set_state(item, QUEUE_ITEM_WAITING);
        arm(item, now);
    }
}

/* ---- Hands: fibers for what waits ---- */

static void hand(void *argument);

static bool has_work(void)
{
    return !list_is_empty(&queue_owner.attempts) || !list_is_empty(&queue_owner.chores);
}

static void attend(void)
{
    struct queue_owner *owner = &queue_owner;
    if (owner->attendant || owner->attendant_coming || owner->hands >= QUEUE_HANDS_MAX)
        return; /* hands that wait look again when they are done */
    error problem = fiber_start(&owner->crew, "queue.hand", hand, NULL);
    if (failed(problem)) {
        if (problem.kind != ERROR_CANCELLED)
            timer_set(&owner->pressed, time_after(TIME_S));
        return;
    }
    owner->hands++;
    owner->attendant_coming = true;
}

static void attend_again(struct timer *timer)
{
    (void)timer;
    if (has_work())
        attend();
}

void queue_hand_step_aside(void)
{
    if (queue_owner.attendant != fiber_self())
        return;
    queue_owner.attendant = NULL;
    if (has_work())
        attend();
}

void queue_item_chore(struct queue_item *item)
{
    ASSERT(item->state == QUEUE_ITEM_OUT && item->core == QUEUE_PLACE_HERE);
    list_append(&queue_owner.chores, &item->node);
    attend();
}

/* It is away no more. */
static void arrive(struct queue_item *item)
{
    if (item->core < QUEUE_PLACE_ROUTE)
        queue_owner.away--;
    item->core = QUEUE_PLACE_HERE;
}

void queue_schedule_result(struct queue_attempt *attempt)
{
    if (!attempt->more)
        arrive(attempt->item);
    list_append(&queue_owner.attempts, &attempt->node);
    attend();
}

/* Attempts of the item that had to wait come first again, in their order. */
static void take_up_deferred(struct queue_item *item)
{
    struct list *at = &queue_owner.attempts;
    struct queue_attempt *attempt;
    LIST_EACH (&queue_owner.deferred, attempt, node) {
        if (attempt->item != item)
            continue;
        list_remove(&attempt->node);
        list_insert_after(at, &attempt->node);
        at = &attempt->node;
    }
    if (at != &queue_owner.attempts)
        attend();
}

static void come_back(struct queue_item *item)
{
    int64_t pause = 0;
    item->urgent = false;
    if (queue_item_is_open(item)) {
        pause = queue_retry_pause(queue_settings_now(), item->attempts, random_u64());
        item->due = (time_wall() + pause) / TIME_S;
        queue_keep_state(item->mail, item);
    }
    queue_item_decide(item, pause);
}

static void record(struct queue_attempt *attempt)
{
    struct queue_item *item = attempt->item;
    bool more = attempt->more;
    if (item->busy || item->recalled) {
        list_append(&queue_owner.deferred, &attempt->node);
        return;
    }
    item->busy = true;
    queue_result_apply(&attempt);
    item->busy = false;
    take_up_deferred(item);
    if (!more)
        come_back(item);
}

static bool do_one(void)
{
    struct queue_attempt *attempt = LIST_FIRST(&queue_owner.attempts, struct queue_attempt, node);
    if (attempt) {
        list_remove(&attempt->node);
        record(attempt);
        return true;
    }
    struct queue_item *item = LIST_FIRST(&queue_owner.chores, struct queue_item, node);
    if (item) {
        list_remove(&item->node);
        queue_hand_step_aside();
        queue_item_decide(item, 0);
    }
    return item != NULL;
}

static void hand(void *argument)
{
    (void)argument;
    struct queue_owner *owner = &queue_owner;
    owner->attendant_coming = false;
    owner->attendant = fiber_self();
    while (do_one()) {
        if (owner->attendant != fiber_self()) {
            if (owner->attendant || owner->attendant_coming)
                break;
            owner->attendant = fiber_self();
        }
    }
    if (owner->attendant == fiber_self())
        owner->attendant = NULL;
    owner->hands--;
}

/* ---- Back from a site, untried ---- */

void queue_schedule_returned(struct list *items, int64_t again)
{
    struct queue_item *item;
    int64_t now = time_wall_seconds();
    LIST_EACH (items, item, node) {
        list_remove(&item->node);
        arrive(item);
        item->urgent = false;
        if (item->recalled) {
            item->core = QUEUE_PLACE_BACK;
        } else if (again > 0 && !item->mail->held && item->mail->verdict == QUEUE_OPEN &&
                   !has_news(item->mail, now)) {
            queue_item_wait(item, again);
        } else {
            queue_item_chore(item);
        }
    }
}

void queue_schedule_recalled(struct queue_item *item)
{
    item->recalled = false;
    queue_owner.recalls--;
    if (item->core == QUEUE_PLACE_BACK) {
        item->core = QUEUE_PLACE_HERE;
        queue_item_chore(item);
    } else {
        take_up_deferred(item);
    }
}

/* ---- Life ---- */

void queue_owner_open(void)
{
    queue_owner = (struct queue_owner){0};
    crew_init(&queue_owner.crew, NULL);
    list_init(&queue_owner.attempts);
    list_init(&queue_owner.chores);
    list_init(&queue_owner.deferred);
    list_init(&queue_owner.walks);
    list_append(&queue_owner.walks, &queue_owner.page.node);
    list_init(&queue_owner.ways_pending);
    list_init(&queue_owner.locals);
    map_init(&queue_owner.ways);
    timer_init(&queue_owner.pressed, attend_again);
}

static bool has_anything_under_way(void)
{
    const struct queue_owner *owner = &queue_owner;
    return owner->hands > 0 || has_work() || owner->lookups > 0 || owner->local_fibers > 0;
}

/* What is in hand is finished: it records results that the world already knows. What is away comes
 * back for certain, now that the sites are closed, and its mail must not be freed before. */
void queue_owner_close(instant deadline)
{
    enum { POLL_MS = 2 };
    struct queue_owner *owner = &queue_owner;
    owner->running = false;
    while (owner->away > 0 || owner->recalls > 0 ||
           (has_anything_under_way() && time_now() < deadline))
        if (failed(fiber_sleep(POLL_MS * TIME_MS)))
            break;
    crew_close(&owner->crew);
    timer_cancel(&owner->pressed);
    for (struct queue_mail *mail = queue_keep_next(NULL); mail; mail = queue_keep_next(mail))
        for (uint32_t i = 0; i < mail->item_count; i++)
            timer_cancel(&mail->items[i].timer);
    map_close(&owner->ways);
}
