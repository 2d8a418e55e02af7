#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The owner core's half of the schedule, as its files share it. An item of this core is in one of
 * four states, and in each of them a timer watches over expiry:
 *
 *     WAITING ── due ──▶ OUT: look-up (way.c) ─▶ site's core ─▶ attempt ─▶ results (result.c)
 *        ▲                                                                    │
 *        └────────────── decided upon (schedule.c): HELD, WAITING, DONE ◀─────┘
 *
 * Whoever waits (WAITS) while it works on an item has it OUT with core == QUEUE_PLACE_HERE, so that
 * timers and orders leave it alone and its mail stays.
 */
#include "base/map.h"
#include "runtime/crew.h"
#include "transport/queue/life.h"
#include "transport/queue/schedule.h"

enum queue_owner_limits {
    QUEUE_HANDS_MAX = 256,    /* fibers that record results and decide */
    QUEUE_LOOKUPS_MAX = 2048, /* routes looked up at a time: so many may stall before others wait */
    QUEUE_LOCALS_MAX = 64,    /* items delivered into mailboxes at a time */
    QUEUE_WAY_ARENA_SIZE_MAX = 256 << 10,
    QUEUE_ROUTE_TIMEOUT_S = 60,
    QUEUE_LOCAL_TIMEOUT_S = 60,
    QUEUE_PRESSED_PAUSE_S = 30, /* until a report that could not be made, or a fiber that could not
                                   be had, is tried again */
};

/* item->core where it is OUT, but at no site. */
enum queue_place {
    QUEUE_PLACE_ROUTE = 0xfffd, /* its route is being looked up, it is in a way's list */
    QUEUE_PLACE_BACK = 0xfffe,  /* came back, but its recall is still on its way */
    QUEUE_PLACE_HERE = 0xffff,  /* a fiber of this core is at it, or will be */
};

/* Over this core's mails, with waits in between (walk.c). */
struct queue_walk {
    struct list node;
    struct queue_mail *next;
    unsigned steps;
};

struct queue_owner {
    bool running; /* from queue_start to queue_stop: items may go out */
    struct crew crew;
    struct list attempts;    /* results to be recorded */
    struct list chores;      /* items to be decided upon, by item->node */
    struct list deferred;    /* attempts of items that are recalled or busy */
    unsigned hands;          /* fibers at attempts and chores */
    struct fiber *attendant; /* the one of them that looks at the lists before it waits */
    bool attendant_coming;   /* started, did not run yet */
    struct timer pressed;    /* no fiber could be had */
    unsigned recalls;        /* on their way */
    uint64_t away;           /* items with sites, or on their way there or back */
    struct list walks;
    struct queue_walk page; /* where the last page of a list began */
    struct map ways;        /* looked up at present, by domain and manner */
    struct list ways_pending;
    unsigned lookups;
    struct list locals; /* items for mailboxes, by item->node */
    unsigned local_fibers;
};
extern _Thread_local struct queue_owner queue_owner;

/* ---- schedule.c: all but those that WAIT may be called in scheduler context ---- */

void queue_item_set_state(struct queue_item *item, enum queue_item_state state);
/* Due after `pause` ns. */
void queue_item_wait(struct queue_item *item, int64_t pause);
/* Out: its route is looked up, and it goes there. */
void queue_item_go(struct queue_item *item);
/* OUT and HERE: a fiber will decide what becomes of it. */
void queue_item_chore(struct queue_item *item);
/* WAITS. The item is OUT and HERE: bounced, deleted, warned of, done with, held, sent out again or
 * set to wait `pause` ns (0: until item->due). Its mail may be gone afterwards. */
void queue_item_decide(struct queue_item *item, int64_t pause);
/* Makes it OUT and HERE if nobody is at it; asks its site for it if it is there. True: it is HERE
 * now. */
bool queue_item_take(struct queue_item *item);
/* One less to be done of the mail, which is gone if that was the last. */
void queue_mail_leave(struct queue_mail *mail);
/* Before a wait while there may be more to do: another fiber looks after it. */
void queue_hand_step_aside(void);
bool queue_item_is_open(const struct queue_item *item);
/* From the site's core: these came back as they went, to be sent again after `again` ns (0: at
 * once); and what was recalled is back, or is being tried. */
void queue_schedule_returned(struct list *items, int64_t again);
void queue_schedule_recalled(struct queue_item *item);
/* Ready to work on this core; in scheduler context or a fiber, once. */
void queue_owner_open(void);
/* WAITS until nothing is under way on this core but what lies with sites; look-ups end unfinished.
 */
void queue_owner_close(instant deadline);

/* ---- way.c ---- */

void queue_way_join(struct queue_item *item);
void queue_way_leave(struct queue_item *item);

/* ---- mailbox.c ---- */

/* The item's recipients are ours: results come by queue_schedule_result. */
void queue_mailbox_deliver(struct queue_item *item);

/* ---- result.c ---- */

/* An attempt with room for all recipients of the item that are open, each result with its index and
 * outcome OPEN; NULL without memory. */
struct queue_attempt *queue_attempt_make(struct queue_item *item);
/* The same for some of its recipients, on any core. */
struct queue_attempt *queue_attempt_make_of(struct queue_item *item, const uint32_t *recipients,
                                            unsigned count);
/* A copy, cut to QUEUE_RESPONSE_SIZE_MAX, control characters replaced; NULL for none. */
char *queue_result_text(slice text);
void queue_attempt_free(struct queue_attempt **attempt);
/* All results alike. */
void queue_attempt_fill(struct queue_attempt *attempt, enum queue_outcome outcome, int code,
                        const int enhanced[3], slice text);
/* WAITS. Records, logs and reports; frees the attempt. What could not be reported is still open. */
void queue_result_apply(struct queue_attempt **attempt);
/* WAITS. Gives up the item's open recipients: FAILED (with a report) or DELETED. On an error they
 * are open still. */
error queue_result_give_up(struct queue_item *item, enum queue_outcome outcome,
                           const int enhanced[3], slice why);
/* WAITS. Tells the sender of the delay, once. */
error queue_result_warn(struct queue_item *item);
/* WAITS. Reports of success that could not be made when they were due. */
error queue_result_report_owed(struct queue_item *item);
bool queue_result_owes(const struct queue_item *item);

/* ---- walk.c: over this core's mails, with waits in between ---- */

void queue_walk_begin(struct queue_walk *walk);
/* WAITS now and then; NULL at the end. */
struct queue_mail *queue_walk_next(struct queue_walk *walk);
void queue_walk_end(struct queue_walk *walk);
/* Before a mail is freed. */
void queue_walk_forget(const struct queue_mail *mail);
