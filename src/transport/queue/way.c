/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "transport/queue/way.h"

#include "base/metric.h"
#include "runtime/core.h"
#include "runtime/fiber.h"
#include "transport/queue/owner.h"
#include "transport/queue/site.h"

#include <stdlib.h>

METRIC_GAUGE(lookups_gauge, "ringmail_queue_lookups", "", "Routes being looked up");
METRIC_HISTOGRAM(lookup_time, "ringmail_queue_lookup_seconds", "", "Finding a route");

enum { KEY_SIZE_MAX = 1024 };

static void look_up_all(void *argument);

/* The domain in lower case, and what else decides on the route. */
static slice make_key(const struct queue_item *item, char text[KEY_SIZE_MAX])
{
    slice domain = slice_sub(queue_item_domain(item), 0, KEY_SIZE_MAX - 1);
    for (size_t i = 0; i < domain.size; i++)
        text[i] = ascii_lower(domain.data[i]);
    text[domain.size] = (char)('0' + item->mail->require_tls + 2 * item->mail->tls_optional);
    return slice_of(text, domain.size + 1);
}

static struct queue_way *make_way(const struct queue_item *item, slice key)
{
    struct queue_way *way = calloc(1, sizeof *way + key.size);
    if (!way)
        return NULL;
    memcpy(way->key_text, key.data, key.size);
    way->key = slice_of(way->key_text, key.size);
    way->request = (struct route_request){
        .domain = slice_sub(way->key, 0, key.size - 1),
        .require_tls = item->mail->require_tls,
        .tls_optional = item->mail->tls_optional,
    };
    list_init(&way->node);
    list_init(&way->items);
    arena_init(&way->arena, QUEUE_WAY_ARENA_SIZE_MAX);
    if (failed(map_put(&queue_owner.ways, way->key, way))) {
        free(way);
        return NULL;
    }
    return way;
}

void queue_way_unref(struct queue_way **way)
{
    if (*way && --(*way)->references == 0) {
        arena_close(&(*way)->arena);
        free(*way);
    }
    *way = NULL;
}

static void free_way(struct queue_way *way)
{
    way->references = 1;
    queue_way_unref(&way);
}

/* Scheduler context: all of them are tried again in a while. */
static void put_back(struct queue_way *way, int64_t pause)
{
    struct queue_item *item;
    LIST_EACH (&way->items, item, node) {
        list_remove(&item->node);
        queue_item_wait(item, pause);
    }
    free_way(way);
}

static void start_fiber(void)
{
    struct queue_owner *owner = &queue_owner;
    if (owner->lookups >= QUEUE_LOOKUPS_MAX)
        return;
    if (!failed(fiber_start(&owner->crew, "queue.route", look_up_all, NULL))) {
        owner->lookups++;
        metric_add(&lookups_gauge, 1);
        return;
    }
    struct queue_way *way;
    if (owner->lookups > 0)
        return; /* they will get to it */
    LIST_EACH (&owner->ways_pending, way, node) {
        list_remove(&way->node);
        map_remove(&owner->ways, way->key);
        put_back(way, QUEUE_PRESSED_PAUSE_S * TIME_S);
    }
}

void queue_way_join(struct queue_item *item)
{
    char text[KEY_SIZE_MAX];
    slice key = make_key(item, text);
    struct queue_way *way = map_get(&queue_owner.ways, key);
    bool is_new = !way;
    if (is_new)
        way = make_way(item, key);
    if (!way) {
        queue_item_wait(item, QUEUE_PRESSED_PAUSE_S * TIME_S);
        return;
    }
    list_append(&way->items, &item->node);
    if (is_new) {
        list_append(&queue_owner.ways_pending, &way->node);
        start_fiber();
    }
}

void queue_way_leave(struct queue_item *item)
{
    list_remove(&item->node);
}

/* ---- What the look-up said ---- */

/* Every item gets the same answer, as if a server had given it. */
static void answer_all(struct queue_way *way, enum queue_outcome outcome)
{
    const struct route *route = &way->route;
    struct queue_item *item;
    LIST_EACH (&way->items, item, node) {
        list_remove(&item->node);
        struct queue_attempt *attempt = queue_attempt_make(item);
        if (!attempt) {
            queue_item_wait(item, QUEUE_PRESSED_PAUSE_S * TIME_S);
            continue;
        }
        item->core = QUEUE_PLACE_HERE;
        queue_attempt_fill(attempt, outcome, route->code, route->enhanced, route->text);
        queue_schedule_result(attempt);
    }
    free_way(way);
}

static void deliver_here(struct queue_way *way)
{
    struct queue_item *item;
    LIST_EACH (&way->items, item, node) {
        list_remove(&item->node);
        item->core = QUEUE_PLACE_HERE;
        queue_mailbox_deliver(item);
    }
    free_way(way);
}

error queue_way_site(const struct route_request *request, const struct route *route,
                     struct arena *arena, slice *out_site)
{
    *out_site = route->site;
    return request->require_tls
               ? arena_format(arena, out_site, "%.*s requiretls", SLICE_ARG(route->site))
               : OK;
}

static void send_out(struct queue_way *way)
{
    uint64_t hash = slice_hash_stable(way->site);
    unsigned core = (unsigned)(hash % core_count());
    struct queue_item *item;
    LIST_EACH (&way->items, item, node) {
        item->core = (uint16_t)core;
        item->site = site_mark(way->site);
        queue_owner.away++;
    }
    way->references = 1;
    site_send(core, way);
}

static void use_route(struct queue_way *way)
{
    if (list_is_empty(&way->items)) {
        free_way(way); /* recalled meanwhile */
        return;
    }
    switch (way->route.kind) {
    case ROUTE_SMTP:
    case ROUTE_LMTP:
        send_out(way);
        break;
    case ROUTE_LOCAL:
        deliver_here(way);
        break;
    case ROUTE_REFUSE:
        answer_all(way, QUEUE_FAILED);
        break;
    case ROUTE_LATER:
        answer_all(way, QUEUE_OPEN);
        break;
    }
}

static void look_up(struct queue_way *way)
{
    instant began = time_now();
    error problem = route_find(&way->request, &way->arena,
                               time_after(QUEUE_ROUTE_TIMEOUT_S * TIME_S), &way->route);
    metric_observe(&lookup_time, (uint64_t)(time_now() - began));
    if (!failed(problem))
        problem = queue_way_site(&way->request, &way->route, &way->arena, &way->site);
    map_remove(&queue_owner.ways, way->key); /* who comes now looks up anew */
    if (problem.kind == ERROR_CANCELLED || !queue_owner.running) {
        put_back(way, 0);
        return;
    }
    if (failed(problem))
        way->route = (struct route){
            .kind = ROUTE_LATER,
            .code = 451,
            .enhanced = {4, 4, 3}, /* RFC 3463: directory server failure */
            .text = slice_from_string(problem.text),
        };
    use_route(way);
}

static void look_up_all(void *argument)
{
    (void)argument;
    struct queue_way *way;
    while ((way = LIST_FIRST(&queue_owner.ways_pending, struct queue_way, node))) {
        list_remove(&way->node);
        look_up(way);
    }
    queue_owner.lookups--;
    metric_add(&lookups_gauge, -1);
}
