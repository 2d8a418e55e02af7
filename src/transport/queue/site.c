/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "transport/queue/site.h"

#include "base/log.h"
#include "base/metric.h"
#include "base/random.h"
#include "runtime/core.h"
#include "runtime/fiber.h"
#include "transport/queue/owner.h"

#include <stdio.h>
#include <stdlib.h>

METRIC_GAUGE(sites_gauge, "ringmail_queue_sites", "",
             "Sites that have mail, connections or pauses");
METRIC_GAUGE(ready_gauge, "ringmail_queue_ready", "", "Items in the lines of sites");
METRIC_COUNTER(pauses_total, "ringmail_queue_pauses_total", "",
               "Times a site was left alone because connections failed");

enum {
    RETURN_MARGIN_MS = 20,
    RETURN_PORTION = 1000,
    RETURN_PORTION_MS = 10,
    STRANDED_PAUSE_S = 1,
    START_AGAIN_S = 1,
};

_Thread_local struct sites sites;

static void look_after(struct site *site);
static void fire(struct timer *timer);

/* "#0a1b2c3d": as queue_sites names sites that no core has at present. */
static bool is_mark(slice name, uint32_t *out_mark)
{
    queue_id mark;
    if (name.size != 9 || name.data[0] != '#' || !queue_id_parse(slice_from(name, 1), &mark))
        return false;
    *out_mark = (uint32_t)mark;
    return true;
}

uint32_t site_mark(slice name)
{
    uint64_t hash = slice_hash_stable(name);
    uint32_t mark = (uint32_t)(hash ^ hash >> 32);
    (void)is_mark(name, &mark);
    return mark ? mark : 1;
}

/* ---- Back to the owners ---- */

struct site_return {
    struct message message;
    struct list items;
    int64_t again;
};

static void return_arrived(struct message *message)
{
    struct site_return *back = CONTAINER_OF(message, struct site_return, message);
    queue_schedule_returned(&back->items, back->again);
    free(back);
}

static struct site_return *begin_return(int64_t again)
{
    struct site_return *back = calloc(1, sizeof *back);
    if (!back)
        return NULL;
    *back = (struct site_return){.message.run = return_arrived, .again = again};
    list_init(&back->items);
    return back;
}

/* One message to each owner. */
void site_give_back(struct list *items, int64_t again)
{
    static _Thread_local struct site_return *by_owner[CORE_COUNT_MAX];
    struct queue_item *item;
    LIST_EACH (items, item, node) {
        uint32_t owner = item->mail->owner;
        list_remove(&item->node);
        if (!by_owner[owner])
            by_owner[owner] = begin_return(again);
        if (by_owner[owner]) {
            list_append(&by_owner[owner]->items, &item->node);
        } else {
            list_append(&sites.stranded, &item->node);
            timer_set(&sites.rescue, time_after(STRANDED_PAUSE_S * TIME_S));
        }
    }
    for (unsigned i = 0; i < core_count(); i++) {
        if (by_owner[i])
            core_post(i, &by_owner[i]->message);
        by_owner[i] = NULL;
    }
}

static void rescue(struct timer *timer)
{
    (void)timer;
    struct list items;
    list_init(&items);
    struct queue_item *item;
    LIST_EACH (&sites.stranded, item, node) {
        list_remove(&item->node);
        list_append(&items, &item->node);
    }
    site_give_back(&items, QUEUE_PRESSED_PAUSE_S * TIME_S);
}

/* A long line comes back in portions, so that no core has to work on all of it in one turn then. */
static void give_back_line(struct site *site, int64_t again)
{
    while (site->line.count > 0) {
        struct list items;
        list_init(&items);
        for (unsigned i = 0; i < RETURN_PORTION && site->line.count > 0; i++) {
            list_append(&items, &line_take(&site->line)->node);
            metric_add(&ready_gauge, -1);
        }
        site_give_back(&items, again);
        again += again > 0 ? RETURN_PORTION_MS * TIME_MS : 0;
    }
}

/* ---- A site comes and goes ---- */

static struct site *find_or_make(slice name)
{
    struct site *site = map_get(&sites.by_name, name);
    if (site)
        return site;
    site = malloc(sizeof *site + name.size);
    if (!site)
        return NULL;
    *site = (struct site){.limit = queue_settings_now()->concurrency_first};
    memcpy(site->name_text, name.data, name.size);
    site->name = slice_of(site->name_text, name.size);
    if (failed(map_put(&sites.by_name, site->name, site))) {
        free(site);
        return NULL;
    }
    line_init(&site->line);
    list_init(&site->idle);
    list_init(&site->hungry);
    timer_init(&site->timer, fire);
    list_append(&sites.all, &site->node);
    sites.count++;
    metric_add(&sites_gauge, 1);
    return site;
}

static void forget(struct site *site)
{
    timer_cancel(&site->timer);
    map_remove(&sites.by_name, site->name);
    list_remove(&site->node);
    list_remove(&site->hungry);
    line_close(&site->line);
    queue_way_unref(&site->way);
    sites.count--;
    metric_add(&sites_gauge, -1);
    free(site);
}

/* Without items and connections: gone, unless what it learned by failing must be known a while. */
static void rest(struct site *site)
{
    const struct queue_settings *settings = queue_settings_now();
    if (site->line.count > 0 || site->connections > 0)
        return;
    instant until = site->next_turn;
    if (site->paused && site->paused_until + settings->retry_max > until)
        until = site->paused_until + settings->retry_max;
    if (site->failures > 0 && site->failed_at + settings->retry_max > until)
        until = site->failed_at + settings->retry_max;
    if (site->plain_until > until)
        until = site->plain_until;
    if (until <= time_now() || sites.stopping)
        forget(site);
    else
        timer_set(&site->timer, until);
}

static void fire(struct timer *timer)
{
    struct site *site = CONTAINER_OF(timer, struct site, timer);
    if (site->line.count > 0)
        look_after(site);
    else
        rest(site);
}

/* ---- Rates ---- */

/* Is `name` the domain or below it? */
static bool is_within(slice name, slice domain)
{
    if (name.size < domain.size ||
        !slice_equal_nocase(slice_from(name, name.size - domain.size), domain))
        return false;
    return name.size == domain.size || name.data[name.size - domain.size - 1] == '.';
}

static bool concerns(const struct queue_way *way, slice domain)
{
    if (slice_equal_nocase(way->request.domain, domain))
        return true;
    for (unsigned i = 0; i < way->route.host_count; i++)
        if (is_within(way->route.hosts[i].name, domain))
            return true;
    return false;
}

/* Of several exceptions that concern a site the lowest counts. */
static uint64_t rate_of(const struct queue_settings *settings, const struct queue_way *way)
{
    uint64_t rate = settings->rate_per_site;
    bool found = false;
    for (size_t i = 0; i < settings->rates.count; i++) {
        slice domain;
        uint32_t value;
        if (failed(queue_rate_parse(settings->rates.items[i], &domain, &value)) ||
            !concerns(way, domain))
            continue;
        if (!found || value < rate)
            rate = value;
        found = true;
    }
    return rate;
}

static bool wait_for_turn(struct site *site)
{
    if (site->interval == 0 || site->next_turn <= time_now())
        return true;
    timer_set(&site->timer, site->next_turn);
    return false;
}

void site_charge(struct site *site)
{
    instant now = time_now();
    if (site->interval > 0)
        site->next_turn = (site->next_turn > now ? site->next_turn : now) + site->interval;
}

/* ---- Connections for those who wait ---- */

unsigned site_limit(const struct site *site)
{
    unsigned most = queue_settings_now()->concurrency;
    return site->probing ? 1 : site->limit < most ? site->limit : most;
}

static bool start(struct site *site)
{
    if (sites.connections >= queue_settings_now()->connections_max) {
        if (list_is_empty(&site->hungry))
            list_append(&sites.hungry, &site->hungry);
        connection_dismiss();
        return false;
    }
    if (!connection_start(site)) {
        timer_set(&site->timer, time_after(START_AGAIN_S * TIME_S));
        return false;
    }
    site->connections++;
    sites.connections++;
    return true;
}

void site_kick(struct site *site)
{
    while (site->line.count > site->seeking && !sites.stopping && wait_for_turn(site)) {
        bool called = connection_call(site);
        if (!called && (site->connections >= site_limit(site) || !start(site)))
            return;
        site->seeking++;
        if (site->interval > 0)
            return; /* one at a time */
    }
}

/* Others had to wait for a place: the first of them that still has a use for it has it now. */
static void feed_hungry(void)
{
    while (!list_is_empty(&sites.hungry) &&
           sites.connections < queue_settings_now()->connections_max) {
        struct site *site = CONTAINER_OF(sites.hungry.next, struct site, hungry);
        list_remove(&site->hungry);
        site_kick(site);
    }
}

void site_left(struct site *site)
{
    site->connections--;
    sites.connections--;
    feed_hungry();
    site_kick(site);
    rest(site);
}

struct queue_item *site_take(struct site *site)
{
    bool probe_runs = site->probing && site->active > 0;
    if (site->line.count == 0 || sites.stopping || probe_runs || !wait_for_turn(site))
        return NULL;
    struct queue_item *item = line_take(&site->line);
    metric_add(&ready_gauge, -1);
    site->active++;
    site_charge(site);
    return item;
}

void site_done(struct site *site)
{
    site->active--;
}

/* ---- What connections learn ---- */

static void tell_pause(const struct site *site, const char *event)
{
    struct log_line line = log_begin(LOG_INFO, event);
    log_text(&line, "site", site->name);
    if (site->paused) {
        log_number(&line, "seconds", (site->paused_until - time_now()) / TIME_S);
        log_number(&line, "pauses", site->pauses);
        log_string(&line, "answer", site->answer);
    }
    log_end(&line);
}

/* Its items come back and wait together; then one connection goes ahead. */
static void pause_site(struct site *site)
{
    int64_t pause = queue_retry_pause(queue_settings_now(), ++site->pauses, random_u64());
    site->paused = true;
    site->probing = false;
    site->paused_until = time_after(pause);
    site->failures = 0;
    site->limit = 1;
    metric_add(&pauses_total, 1);
    tell_pause(site, "queue.pause");
    give_back_line(site, pause + RETURN_MARGIN_MS * TIME_MS);
}

void site_good(struct site *site)
{
    const struct queue_settings *settings = queue_settings_now();
    site->failures = 0;
    if (site->paused) {
        site->paused = site->probing = false;
        site->pauses = 0;
        site->limit = settings->concurrency_first;
        site->good = 0;
        tell_pause(site, "queue.resume");
    } else if (++site->good >= site->limit && site->limit < settings->concurrency) {
        site->limit++; /* a round went well */
        site->good = 0;
    }
    site_kick(site);
}

void site_bad(struct site *site, slice host, slice answer)
{
    site->failures++;
    site->failed_at = time_now();
    site->good = 0;
    if (site->limit > 1)
        site->limit--;
    snprintf(site->answer, sizeof site->answer, "%.*s%s%.*s", SLICE_ARG(host),
             host.size > 0 ? ": " : "", SLICE_ARG(answer));
    bool nobody_gets_through =
        site->failures >= queue_settings_now()->failures_to_pause && site->established == 0;
    if (site->probing || (nobody_gets_through && !site->paused))
        pause_site(site);
}

/* One that breaks may have other reasons; twice in a row before it ever went well is suspicious. */
void site_note_chunking(struct site *site, enum remote_chunking what)
{
    if (what == REMOTE_CHUNKING_GOOD)
        site->chunks_well = true;
    if (what == REMOTE_CHUNKING_BROKE && !site->chunks_well)
        site->chunks_broken++;
    if (what != REMOTE_CHUNKING_REFUSED && site->chunks_broken < SITE_CHUNKS_BROKEN_MAX)
        return;
    site->chunks_well = false;
    site->chunks_broken = 0;
    site->plain_until = time_after(SITE_PLAIN_S * TIME_S);
    struct log_line line = log_begin(LOG_INFO, "queue.no_chunking");
    log_text(&line, "site", site->name);
    log_number(&line, "seconds", SITE_PLAIN_S);
    log_end(&line);
}

/* ---- Items come ---- */

/* Scheduler context or fiber: something may go now, or nothing for a while. */
static void look_after(struct site *site)
{
    instant now = time_now();
    if (sites.stopping) {
        give_back_line(site, 0);
    } else if (site->paused && !site->probing) {
        if (now >= site->paused_until)
            site->probing = true;
        else
            give_back_line(site, site->paused_until - now + RETURN_MARGIN_MS * TIME_MS);
    }
    site_kick(site);
    rest(site);
}

static void way_arrived(struct message *message)
{
    struct queue_way *way = CONTAINER_OF(message, struct queue_way, message);
    struct site *site = find_or_make(way->site);
    if (!site) {
        site_give_back(&way->items, QUEUE_PRESSED_PAUSE_S * TIME_S);
        queue_way_unref(&way);
        return;
    }
    struct list left, later;
    struct queue_item *item;
    const struct queue_settings *settings = queue_settings_now();
    uint64_t rate = rate_of(settings, way);
    site->interval = rate > 0 ? 60 * TIME_S / (int64_t)rate : 0;
    list_init(&left);
    list_init(&later);
    LIST_EACH (&way->items, item, node) {
        list_remove(&item->node);
        if (item->urgent && site->paused)
            site->paused_until = 0;
        if (site->paused && site->line.count >= SITE_PROBE_ITEMS_MAX && !item->urgent)
            list_append(&later, &item->node);
        else if (failed(line_add(&site->line, item)))
            list_append(&left, &item->node);
        else
            metric_add(&ready_gauge, 1);
    }
    queue_way_unref(&site->way);
    site->way = way;
    site_give_back(&left, QUEUE_PRESSED_PAUSE_S * TIME_S);
    site_give_back(&later, settings->retry_min);
    look_after(site);
}

void site_send(unsigned core, struct queue_way *way)
{
    way->message.run = way_arrived;
    core_post(core, &way->message);
}

/* ---- Recalls ---- */

struct recall {
    struct message message;
    struct queue_item *item;
    uint32_t owner;
};

static void recall_answered(struct message *message)
{
    struct recall *recall = CONTAINER_OF(message, struct recall, message);
    queue_schedule_recalled(recall->item);
    free(recall);
}

static void recall_arrived(struct message *message)
{
    struct recall *recall = CONTAINER_OF(message, struct recall, message);
    struct queue_item *item = recall->item;
    if (item->party) {
        struct list items;
        struct line *line = line_of(item);
        list_init(&items);
        line_remove(item);
        metric_add(&ready_gauge, -1);
        list_append(&items, &item->node);
        site_give_back(&items, 0);
        rest(CONTAINER_OF(line, struct site, line));
    }
    recall->message.run = recall_answered;
    core_post(recall->owner, &recall->message);
}

bool site_recall(unsigned core, struct queue_item *item)
{
    struct recall *recall = calloc(1, sizeof *recall);
    if (!recall)
        return false;
    *recall = (struct recall){{.run = recall_arrived}, item, core_self()};
    core_post(core, &recall->message);
    return true;
}

/* ---- Life ---- */

void sites_open(void)
{
    sites = (struct sites){0};
    map_init(&sites.by_name);
    list_init(&sites.all);
    list_init(&sites.hungry);
    list_init(&sites.idle);
    list_init(&sites.stranded);
    timer_init(&sites.rescue, rescue);
    crew_init(&sites.crew, NULL);
}

void sites_stop(void)
{
    sites.stopping = true;
    struct site *site;
    while (!list_is_empty(&sites.idle)) { /* each leaves the list as it is told to go */
        connection_dismiss();
    }
    LIST_EACH (&sites.all, site, node)
        look_after(site);
}

void sites_close(instant deadline)
{
    if (failed(crew_join(&sites.crew, deadline))) {
        struct log_line line = log_begin(LOG_WARNING, "queue.cut_off");
        log_number(&line, "core", core_self());
        log_number(&line, "connections", sites.connections);
        log_end(&line);
    }
    crew_close(&sites.crew);
    struct site *site;
    LIST_EACH (&sites.all, site, node)
        rest(site);
    timer_cancel(&sites.rescue);
    map_close(&sites.by_name);
}
