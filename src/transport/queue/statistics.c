/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The queue in numbers. Everything but the ages is counted as it changes; those take a walk over
 * all mails and are therefore as old as AGES_KEPT_S at most.
 */
#include "format/json/write.h"
#include "runtime/core.h"
#include "runtime/message.h"
#include "transport/queue/keep.h"
#include "transport/queue/owner.h"
#include "transport/queue/site.h"

#include <stdlib.h>

enum { AGES_KEPT_S = 10, AGES = 7, SITES_LISTED_MAX = 200, CORE_SITES_SIZE_MAX = 1 << 20 };

static const struct {
    const char *name;
    int64_t seconds;
} ages[AGES] = {
    {"1m", 60},    {"10m", 600},      {"1h", 3600},         {"6h", 6 * 3600},
    {"1d", 86400}, {"3d", 3 * 86400}, {"older", INT64_MAX},
};

struct share {
    uint64_t mails, held, memory_bytes, spool_bytes;
    uint64_t items[QUEUE_ITEM_DONE]; /* by state */
    uint64_t ages[AGES];
    uint64_t sites, connections;
    struct buffer site_lines; /* JSON, a site a line */
};

/* ---- On each core ---- */

struct census {
    instant until; /* good enough */
    uint64_t held;
    uint64_t items[QUEUE_ITEM_DONE];
    uint64_t ages[AGES];
};

static void count_mail(struct census *census, const struct queue_mail *mail, int64_t now)
{
    unsigned age = 0;
    while (now - mail->arrived >= ages[age].seconds)
        age++;
    census->ages[age]++;
    census->held += mail->held;
    for (uint32_t i = 0; i < mail->item_count; i++)
        if (mail->items[i].state != QUEUE_ITEM_DONE)
            census->items[mail->items[i].state]++;
}

/* WAITS. */
static void take_census(struct census *out_census)
{
    static _Thread_local struct census kept;
    struct queue_walk walk;
    struct queue_mail *mail;
    if (kept.until <= time_now()) {
        struct census fresh = {0};
        int64_t now = time_wall_seconds();
        queue_walk_begin(&walk);
        while ((mail = queue_walk_next(&walk)))
            count_mail(&fresh, mail, now);
        queue_walk_end(&walk);
        /* few mails: counted each time */
        fresh.until = walk.steps < 10000 ? 0 : time_after(AGES_KEPT_S * TIME_S);
        kept = fresh;
    }
    *out_census = kept;
}

static void write_site(const struct site *site, struct buffer *out)
{
    struct json_writer json;
    json_begin(&json, out);
    json_object_open(&json);
    json_member_text(&json, "site", site->name);
    json_member_number(&json, "core", core_self());
    json_member_number(&json, "ready", site->line.count);
    json_member_number(&json, "active", site->active);
    json_member_number(&json, "connections", site->connections);
    json_member_number(&json, "concurrency", site->limit);
    json_member_flag(&json, "paused", site->paused);
    if (site->paused) {
        int64_t left = (site->paused_until - time_now()) / TIME_S;
        json_member_number(&json, "paused_until", time_wall_seconds() + (left > 0 ? left : 0));
    }
    json_member_string(&json, "answer", site->answer);
    json_object_close(&json);
    buffer_add_byte(out, '\n');
}

/* The longest lines first, then those that are paused. */
static int compare_sites(const void *left, const void *right)
{
    const struct site *a = *(const struct site *const *)left;
    const struct site *b = *(const struct site *const *)right;
    if (a->line.count != b->line.count)
        return a->line.count > b->line.count ? -1 : 1;
    return (int)b->paused - (int)a->paused;
}

static error write_sites(struct buffer *out)
{
    const struct site **order = calloc(sites.count + 1, sizeof *order);
    TRY_MEMORY(order);
    const struct site *site;
    unsigned count = 0;
    LIST_EACH (&sites.all, site, node)
        order[count++] = site;
    qsort(order, count, sizeof(struct site *), compare_sites);
    for (unsigned i = 0; i < count && i < SITES_LISTED_MAX; i++)
        write_site(order[i], out);
    free(order);
    return OK;
}

static error gather_here(void *argument)
{
    struct share *share = &((struct share *)argument)[core_self()];
    struct census census;
    take_census(&census);
    share->mails = queue_keep_count();
    share->memory_bytes = queue_keep_memory_bytes();
    share->spool_bytes = queue_keep_spool_bytes();
    share->held = census.held;
    memcpy(share->items, census.items, sizeof share->items);
    memcpy(share->ages, census.ages, sizeof share->ages);
    share->sites = sites.count;
    share->connections = sites.connections;
    return write_sites(&share->site_lines);
}

/* ---- The sum ---- */

static struct share sum_up(const struct share *shares)
{
    struct share sum = {0};
    for (unsigned i = 0; i < core_count(); i++) {
        sum.mails += shares[i].mails;
        sum.held += shares[i].held;
        sum.memory_bytes += shares[i].memory_bytes;
        sum.spool_bytes += shares[i].spool_bytes;
        sum.sites += shares[i].sites;
        sum.connections += shares[i].connections;
        for (unsigned j = 0; j < QUEUE_ITEM_DONE; j++)
            sum.items[j] += shares[i].items[j];
        for (unsigned j = 0; j < AGES; j++)
            sum.ages[j] += shares[i].ages[j];
    }
    return sum;
}

static void write_sum(const struct share *sum, struct json_writer *json)
{
    json_member_number(json, "mails", (int64_t)sum->mails);
    json_member_number(json, "held", (int64_t)sum->held);
    json_member_object_open(json, "items");
    json_member_number(json, "waiting", (int64_t)sum->items[QUEUE_ITEM_WAITING]);
    json_member_number(json, "active", (int64_t)sum->items[QUEUE_ITEM_OUT]);
    json_member_number(json, "held", (int64_t)sum->items[QUEUE_ITEM_HELD]);
    json_object_close(json);
    json_member_object_open(json, "ages");
    for (unsigned i = 0; i < AGES; i++)
        json_member_number(json, ages[i].name, (int64_t)sum->ages[i]);
    json_object_close(json);
    json_member_number(json, "memory_bytes", (int64_t)sum->memory_bytes);
    json_member_number(json, "spool_bytes", (int64_t)sum->spool_bytes);
    json_member_number(json, "connections", (int64_t)sum->connections);
    json_member_number(json, "site_count", (int64_t)sum->sites);
}

static void write_all(const struct share *shares, struct buffer *out)
{
    struct share sum = sum_up(shares);
    struct json_writer json;
    json_begin(&json, out);
    json_object_open(&json);
    write_sum(&sum, &json);
    json_member_array_open(&json, "sites");
    for (unsigned i = 0; i < core_count(); i++) {
        slice rest = buffer_slice(&shares[i].site_lines), line;
        while (rest.size > 0) {
            slice_cut(rest, '\n', &line, &rest);
            json_raw(&json, line);
        }
    }
    json_array_close(&json);
    json_object_close(&json);
    buffer_add_byte(out, '\n');
}

error queue_statistics(struct buffer *out)
{
    struct share *shares = calloc(core_count(), sizeof *shares);
    TRY_MEMORY(shares);
    for (unsigned i = 0; i < core_count(); i++)
        buffer_init(&shares[i].site_lines, CORE_SITES_SIZE_MAX);
    error problem = core_broadcast(gather_here, shares);
    if (!failed(problem))
        write_all(shares, out);
    for (unsigned i = 0; i < core_count(); i++)
        buffer_close(&shares[i].site_lines);
    free(shares);
    TRY(problem);
    return buffer_check(out);
}
