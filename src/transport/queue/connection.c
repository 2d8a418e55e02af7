/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A connection is a fiber on its site's core: it opens along the newest route, takes items from the
 * line one after another, waits a little when there are none, and says goodbye. It holds an item
 * only while it sends it, so that a connection that does not come about delays nobody.
 */
#include "transport/queue/connection.h"

#include "base/metric.h"
#include "runtime/fiber.h"
#include "transport/queue/attempt.h"
#include "transport/queue/owner.h"

#include <stdlib.h>

METRIC_GAUGE(connections_gauge, "ringmail_queue_connections", "", "Connections to other servers");
METRIC_COUNTER(opened_total, "ringmail_queue_connections_total", "result=\"opened\"",
               "Connections to other servers, by result");
METRIC_COUNTER(failed_total, "ringmail_queue_connections_total", "result=\"failed\"",
               "Connections to other servers, by result");
METRIC_COUNTER(reused_total, "ringmail_queue_connections_reused_total", "",
               "Mails sent over a connection that had sent others");

static void run(void *argument);

bool connection_start(struct site *site)
{
    struct connection *c = calloc(1, sizeof *c);
    if (!c)
        return false;
    c->site = site;
    list_init(&c->node);
    list_init(&c->idle);
    if (failed(fiber_start(&sites.crew, "queue.connection", run, c))) {
        free(c);
        return false;
    }
    return true;
}

bool connection_call(struct site *site)
{
    struct connection *c = LIST_FIRST(&site->idle, struct connection, node);
    if (!c)
        return false;
    list_remove(&c->node);
    list_remove(&c->idle);
    c->called = true;
    fiber_wake(c->fiber);
    return true;
}

void connection_dismiss(void)
{
    struct connection *c = LIST_FIRST(&sites.idle, struct connection, idle);
    if (!c)
        return;
    list_remove(&c->node);
    list_remove(&c->idle);
    c->dismissed = true;
    fiber_wake(c->fiber);
}

/* ---- Open and closed ---- */

void connection_break(struct connection *c)
{
    if (c->remote && !c->broken)
        c->site->established--;
    c->broken = true;
}

void connection_shut(struct connection *c)
{
    connection_break(c);
    c->broken = false;
    remote_close(&c->remote);
    queue_way_unref(&c->way);
    arena_close(&c->arena);
}

error connection_open(struct connection *c, struct remote_answer *out_answer)
{
    const struct remote_options options = {
        .settings = queue_remote_settings(),
        .hostname = queue_hostname(),
        .require_tls = c->site->way->request.require_tls,
        .no_chunking = c->site->plain_until > time_now(),
    };
    arena_init(&c->arena, CONNECTION_ARENA_SIZE_MAX);
    c->way = c->site->way;
    c->way->references++;
    error problem = remote_open(&c->way->route, &options, &c->arena, &c->remote, out_answer);
    metric_add(failed(problem) ? &failed_total : &opened_total, 1);
    if (failed(problem))
        c->remote = NULL;
    else
        c->site->established++;
    return problem;
}

/* A connection that does not come about costs the item at the head of the line an attempt. */
static bool make_ready(struct connection *c)
{
    struct site *site = c->site;
    unsigned most = queue_settings_now()->mails_per_connection;
    if (c->remote && (remote_mails(c->remote) >= most || !remote_is_alive(c->remote)))
        connection_shut(c);
    if (c->remote)
        return true;
    struct remote_answer answer = {0};
    char room[ATTEMPT_WORDS_SIZE];
    instant began = time_now();
    error problem = connection_open(c, &answer);
    if (!failed(problem))
        return true;
    if (problem.kind != ERROR_CANCELLED) {
        struct queue_item *item = site_take(site);
        if (item) {
            attempt_blame(c, item, problem, &answer, began);
            site_done(site);
        }
        if (problem.kind != ERROR_PERMANENT)
            site_bad(site, SLICE_EMPTY, attempt_words(&answer, problem, room));
    }
    connection_shut(c);
    return false;
}

/* ---- Work ---- */

/* Others wait for a connection of theirs, and this one has had its turn. */
static bool must_give_way(const struct connection *c)
{
    const struct list *first = sites.hungry.next;
    bool only_us = first == &c->site->hungry && first->next == &sites.hungry;
    return !list_is_empty(&sites.hungry) && !only_us && c->turn >= SITE_TURN_MAILS;
}

/* Until the line is empty or the connection should not be used any more. */
static void serve(struct connection *c)
{
    struct queue_item *item;
    unsigned most = queue_settings_now()->mails_per_connection;
    while (!must_give_way(c) && (item = site_take(c->site))) {
        if (remote_mails(c->remote) > 0)
            metric_add(&reused_total, 1);
        bool usable = attempt_run(c, item);
        site_done(c->site);
        c->turn++;
        if (!usable)
            connection_shut(c);
        if (!c->remote || remote_mails(c->remote) >= most || remote_is_used_up(c->remote) ||
            sites.stopping)
            return;
    }
}

/* True: there is work, and the connection counts among those that seek it. */
static bool wait_for_work(struct connection *c)
{
    struct site *site = c->site;
    if (sites.stopping || must_give_way(c) || site->connections > site_limit(site))
        return false;
    if (site->line.count > site->seeking && site->interval == 0) {
        site->seeking++;
        return true;
    }
    int64_t timeout = queue_settings_now()->idle_timeout;
    if (!c->remote || timeout == 0 || !list_is_empty(&sites.hungry))
        return false;
    instant until = time_after(timeout);
    c->called = c->dismissed = false;
    list_prepend(&site->idle, &c->node);
    list_append(&sites.idle, &c->idle);
    while (!c->called && !c->dismissed)
        if (failed(fiber_park(until)))
            break;
    list_remove(&c->node);
    list_remove(&c->idle);
    return c->called;
}

static void run(void *argument)
{
    struct connection *c = argument;
    struct site *site = c->site;
    c->fiber = fiber_self();
    metric_add(&connections_gauge, 1);
    do {
        bool ready = make_ready(c);
        site->seeking--;
        if (!ready)
            break;
        serve(c);
    } while (wait_for_work(c));
    connection_shut(c);
    metric_add(&connections_gauge, -1);
    free(c);
    site_left(site);
}
