/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Destinations for operators. The owner cores count what they have by the mark of its site (where
 * no route was found yet, by domain, which is its name then); the sites' cores know their names and
 * what they are doing. A site that no core holds (after a restart, or since its last pause is over)
 * is named by asking where its mail would go now; one that has other hosts by now is its mark.
 * Bounds: QUEUE_SITES_COUNT_MAX destinations a core are told apart, what is beyond is one number;
 * QUEUE_SITES_ASKED_MAX of those shown are asked about, all within QUEUE_SITES_ASKED_MS.
 */
#include "format/json/write.h"
#include "runtime/core.h"
#include "runtime/message.h"
#include "transport/queue/id_map.h"
#include "transport/queue/keep.h"
#include "transport/queue/owner.h"
#include "transport/queue/site.h"

#include <stdio.h>
#include <stdlib.h>

enum { DOMAIN_SIZE_MAX = 254 };

/* Owned by the asker; each core fills a map of its own. */
struct tally {
    uint64_t key;
    uint64_t states[QUEUE_ITEM_DONE], deferred;
    int64_t oldest; /* seconds since 1970 */
    int64_t tried;  /* when `answer` was heard */
    char domain[DOMAIN_SIZE_MAX + 1];
    char answer[SITE_ANSWER_SIZE_MAX];
    char name[ROUTE_SITE_SIZE_MAX + 1];
    bool known; /* `name` is one, not a mark */
    bool require_tls;
    const char *doing;
    unsigned connections;
    int64_t paused_until;
};

struct census {
    struct id_map tallies; /* one a core, then of all */
    uint64_t others;       /* items of destinations that are not told apart */
};

static void close_census(struct census *census)
{
    size_t position = 0;
    uint64_t key;
    void *tally;
    while (id_map_next(&census->tallies, &position, &key, &tally))
        free(tally);
    id_map_close(&census->tallies);
}

/* ---- On the owner cores ---- */

static void copy(char *out, size_t size, slice text)
{
    text = slice_sub(text, 0, size - 1);
    if (text.size > 0)
        memcpy(out, text.data, text.size);
    out[text.size] = '\0';
}

/* Marks have 32 bits; domains without a route stand above them. */
static uint64_t key_of(const struct queue_item *item)
{
    return item->site ? item->site : 1ULL << 32 | site_mark(queue_item_domain(item));
}

static struct tally *find_or_make(struct census *census, uint64_t key)
{
    struct tally *tally = id_map_get(&census->tallies, key);
    if (tally || census->tallies.count == QUEUE_SITES_COUNT_MAX)
        return tally;
    tally = calloc(1, sizeof *tally);
    if (!tally)
        return NULL;
    tally->key = key;
    tally->oldest = INT64_MAX;
    tally->doing = "waiting";
    if (key <= UINT32_MAX) /* until its core tells the name, if it has the site */
        snprintf(tally->name, sizeof tally->name, "#%08x", (unsigned)key);
    if (!failed(id_map_put(&census->tallies, key, tally)))
        return tally;
    free(tally);
    return NULL;
}

static void count_item(struct census *census, const struct queue_item *item)
{
    struct tally *tally = find_or_make(census, key_of(item));
    if (!tally) {
        census->others++;
        return;
    }
    tally->states[item->state]++;
    tally->deferred += item->attempts > 0;
    if (item->mail->arrived < tally->oldest)
        tally->oldest = item->mail->arrived;
    if (!tally->domain[0])
        copy(tally->domain, sizeof tally->domain, queue_item_domain(item));
    tally->require_tls |= item->mail->require_tls;
    if (item->response && item->tried >= tally->tried) {
        tally->tried = item->tried;
        copy(tally->answer, sizeof tally->answer, slice_from_string(item->response));
    }
}

static error count_here(void *argument)
{
    struct census *census = &((struct census *)argument)[core_self()];
    struct queue_walk walk;
    struct queue_mail *mail;
    queue_walk_begin(&walk);
    while ((mail = queue_walk_next(&walk)))
        for (uint32_t i = 0; i < mail->item_count; i++)
            if (mail->items[i].state != QUEUE_ITEM_DONE)
                count_item(census, &mail->items[i]);
    queue_walk_end(&walk);
    return OK;
}

/* ---- On the sites' cores, one after another ---- */

static error name_here(void *argument)
{
    const struct census *all = argument;
    const struct site *site;
    LIST_EACH (&sites.all, site, node) {
        struct tally *tally = id_map_get(&all->tallies, site_mark(site->name));
        if (!tally)
            continue;
        copy(tally->name, sizeof tally->name, site->name);
        tally->known = true;
        tally->connections = site->connections;
        tally->doing = site->paused && !site->probing ? "paused"
                       : site->probing                ? "probing"
                       : site->active > 0             ? "sending"
                                                      : "ready";
        if (site->paused && !site->probing) {
            int64_t left = (site->paused_until - time_now()) / TIME_S;
            tally->paused_until = time_wall_seconds() + (left > 0 ? left : 0);
        }
        if (site->answer[0])
            copy(tally->answer, sizeof tally->answer, slice_from_string(site->answer));
    }
    return OK;
}

/* ---- Of sites that are nowhere ---- */

/* WAITS. Whether the domain's mail would go to the site of this mark. */
static bool name_by_route(struct tally *tally, bool require_tls, instant deadline)
{
    struct arena arena;
    struct route route;
    slice name;
    const struct route_request request = {.domain = slice_from_string(tally->domain),
                                          .require_tls = require_tls};
    arena_init(&arena, QUEUE_WAY_ARENA_SIZE_MAX);
    if (!failed(route_find(&request, &arena, deadline, &route)) &&
        !failed(queue_way_site(&request, &route, &arena, &name)) && site_mark(name) == tally->key) {
        copy(tally->name, sizeof tally->name, name);
        tally->known = true;
    }
    arena_close(&arena);
    return tally->known;
}

/* WAITS. Those that will be shown. */
static void name_the_rest(struct tally *const *order, size_t count)
{
    instant deadline = time_after(QUEUE_SITES_ASKED_MS * TIME_MS);
    unsigned asked = 0;
    for (size_t i = 0; i < count && asked < QUEUE_SITES_ASKED_MAX; i++) {
        struct tally *tally = order[i];
        if (tally->known || tally->key > UINT32_MAX)
            continue;
        if (time_now() >= deadline)
            return;
        asked++;
        if (!name_by_route(tally, false, deadline) && tally->require_tls)
            name_by_route(tally, true, deadline);
    }
}

/* ---- Together ---- */

static void add_up(struct tally *to, const struct tally *from)
{
    for (unsigned i = 0; i < QUEUE_ITEM_DONE; i++)
        to->states[i] += from->states[i];
    to->deferred += from->deferred;
    if (from->oldest < to->oldest)
        to->oldest = from->oldest;
    if (!to->domain[0])
        copy(to->domain, sizeof to->domain, slice_from_string(from->domain));
    to->require_tls |= from->require_tls;
    if (from->answer[0] && from->tried >= to->tried) {
        to->tried = from->tried;
        copy(to->answer, sizeof to->answer, slice_from_string(from->answer));
    }
}

static uint64_t size_of(const struct tally *tally)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < QUEUE_ITEM_DONE; i++)
        sum += tally->states[i];
    return sum;
}

static void merge(struct census *all, const struct census *part)
{
    size_t position = 0;
    uint64_t key;
    void *value;
    all->others += part->others;
    while (id_map_next(&part->tallies, &position, &key, &value)) {
        struct tally *to = find_or_make(all, key);
        if (to)
            add_up(to, value);
        else
            all->others += size_of(value);
    }
}

/* Most mail first; else by age, so that pages of equals do not jump about. */
static int compare(const void *left, const void *right)
{
    const struct tally *a = *(const struct tally *const *)left;
    const struct tally *b = *(const struct tally *const *)right;
    uint64_t a_size = size_of(a), b_size = size_of(b);
    if (a_size != b_size)
        return a_size > b_size ? -1 : 1;
    return a->oldest != b->oldest ? a->oldest < b->oldest ? -1 : 1 : a->key < b->key ? -1 : 1;
}

static void write_tally(const struct tally *tally, struct buffer *out)
{
    struct json_writer json;
    json_begin(&json, out);
    json_object_open(&json);
    json_member_string(&json, "site", tally->key > UINT32_MAX ? tally->domain : tally->name);
    json_member_string(&json, "domain", tally->domain);
    json_member_number(&json, "waiting", (int64_t)tally->states[QUEUE_ITEM_WAITING]);
    json_member_number(&json, "active", (int64_t)tally->states[QUEUE_ITEM_OUT]);
    json_member_number(&json, "held", (int64_t)tally->states[QUEUE_ITEM_HELD]);
    json_member_number(&json, "deferred", (int64_t)tally->deferred);
    json_member_number(&json, "oldest", tally->oldest);
    json_member_string(&json, "state", tally->doing);
    if (tally->paused_until)
        json_member_number(&json, "paused_until", tally->paused_until);
    json_member_number(&json, "connections", tally->connections);
    json_member_string(&json, "answer", tally->answer);
    json_object_close(&json);
}

/* WAITS. */
static error write_all(const struct census *all, unsigned count_max, struct buffer *out)
{
    struct tally **order = calloc(all->tallies.count + 1, sizeof *order);
    TRY_MEMORY(order);
    size_t position = 0, count = 0;
    uint64_t key, others = all->others;
    void *value;
    while (id_map_next(&all->tallies, &position, &key, &value))
        order[count++] = value;
    qsort(order, count, sizeof *order, compare);
    name_the_rest(order, count_max > 0 && count_max < count ? count_max : count);
    buffer_add_string(out, "{\"sites\":[");
    for (size_t i = 0; i < count; i++) {
        if (count_max > 0 && i >= count_max) {
            others += size_of(order[i]);
            continue;
        }
        buffer_add_string(out, i > 0 ? ",\n" : "\n");
        write_tally(order[i], out);
    }
    buffer_format(out, "],\n\"count\":%zu,\"others\":%llu}\n", count, (unsigned long long)others);
    free(order);
    return buffer_check(out);
}

error queue_sites(unsigned count_max, struct buffer *out)
{
    struct census *parts = calloc(core_count(), sizeof *parts), all = {0};
    TRY_MEMORY(parts);
    error problem = core_broadcast(count_here, parts);
    for (unsigned i = 0; i < core_count(); i++) {
        merge(&all, &parts[i]);
        close_census(&parts[i]);
    }
    free(parts);
    for (unsigned i = 0; !failed(problem) && i < core_count(); i++)
        problem = core_call(i, name_here, &all);
    if (!failed(problem))
        problem = write_all(&all, count_max, out);
    close_census(&all);
    return problem;
}
