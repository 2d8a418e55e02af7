#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A site is the set of hosts that serve some domains. It lives on one core, by the hash of its
 * name, and there alone are its line, its concurrency, its connections and its pauses: no locks. It
 * exists while it has items or connections, or something that must not be forgotten (a pause).
 *
 *     way arrives ─▶ line ─▶ site_take ─ connection (connection.c) ─ attempt ─▶ owner
 *                      └── site paused, recalled, stopping: back to the owner untried
 */
#include "runtime/crew.h"
#include "transport/deliver/remote.h"
#include "transport/queue/life.h"
#include "transport/queue/line.h"
#include "transport/queue/way.h"

enum site_limits {
    SITE_TURN_MAILS = 10, /* a connection gives way after so many while other sites have none */
    SITE_PROBE_ITEMS_MAX = 1000, /* in the line while one connection tries; others come later */
    SITE_ANSWER_SIZE_MAX = 256,  /* of a failed connection, for statistics */
    SITE_CHUNKS_BROKEN_MAX = 2,  /* messages that broke by BDAT, before any went well so */
    SITE_PLAIN_S = 6 * 3600,     /* how long it is remembered that BDAT does not work there */
};

struct site {
    struct list node;   /* in sites.all */
    struct list hungry; /* in sites.hungry: wants a connection, the core has no more */
    slice name;
    struct queue_way *way; /* the newest */
    struct line line;
    struct list idle; /* connections without work, last used first */
    unsigned connections;
    unsigned seeking;     /* connections on their way to the line: opening, or called */
    unsigned established; /* connections that are open */
    unsigned active;      /* attempts going on */
    unsigned limit;       /* connections it may have now */
    unsigned good;        /* mails that went well since the limit changed */
    unsigned failures;    /* connections that failed, one after another */
    unsigned pauses;      /* one after another */
    bool paused;
    bool probing; /* paused, and one connection tries */
    instant paused_until;
    instant failed_at;
    bool chunks_well;       /* a message went by BDAT */
    unsigned chunks_broken; /* messages that broke by it, before */
    instant plain_until;    /* BDAT is not used */
    int64_t interval;       /* ns between transactions; 0: no limit */
    instant next_turn;
    struct timer timer; /* end of an interval, or when it may be forgotten */
    char answer[SITE_ANSWER_SIZE_MAX];
    char name_text[];
};

struct sites {
    struct map by_name;
    struct list all, hungry;
    struct list idle; /* connections of all sites, the longest idle first */
    unsigned count, connections;
    struct crew crew;
    struct list stranded; /* items for whose return there was no memory */
    struct timer rescue;
    bool stopping;
};
extern _Thread_local struct sites sites;

/* ---- From any core ---- */

/* The way and its items are the site's core's from now on. */
void site_send(unsigned core, struct queue_way *way);
/* If the item still waits in its line there, it comes back; in any case queue_schedule_recalled
 * follows. False without memory. */
bool site_recall(unsigned core, struct queue_item *item);
/* What an owner remembers of a site, and its log; never 0. A mark as "#0a1b2c3d" is its own. */
uint32_t site_mark(slice name);

/* ---- On the site's core ---- */

/* Gets connections for what waits, as far as it may. */
void site_kick(struct site *site);
/* Connections it may have at present. */
unsigned site_limit(const struct site *site);
/* The next item, NULL where none may go now. The taker tells with site_done when it is done. */
struct queue_item *site_take(struct site *site);
void site_done(struct site *site);
/* One more transaction of the same item: counts for the rate. */
void site_charge(struct site *site);
/* A mail went well, whatever the server said of it; a connection failed. */
void site_good(struct site *site);
void site_bad(struct site *site, slice host, slice answer);
/* What became of BDAT there: one that does not know it gets DATA for SITE_PLAIN_S. */
void site_note_chunking(struct site *site, enum remote_chunking what);
/* To their owners, untried. */
void site_give_back(struct list *items, int64_t again);
/* A connection less. The site may be gone afterwards. */
void site_left(struct site *site);

void sites_open(void);
/* Nothing is begun any more; what stands in line goes back. */
void sites_stop(void);
/* WAITS until all connections have ended, cuts them at the deadline. */
void sites_close(instant deadline);

/* ---- connection.c ---- */

/* False where no fiber is to be had. */
bool connection_start(struct site *site);
/* Sends an idle connection of the site to its line; false where there is none. */
bool connection_call(struct site *site);
/* The connection of this core that is idle for the longest ends. */
void connection_dismiss(void);
