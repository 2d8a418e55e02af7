/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "data/directory/lookup.h"

#include "base/assert.h"
#include "base/log.h"
#include "base/metric.h"
#include "data/directory/address.h"
#include "format/text/idna.h"
#include "runtime/timer.h"
#include "runtime/wait.h"

#include <stdlib.h>

METRIC_COUNTER(directory_hits, "ringmail_directory_cache_hits_total", "",
               "Directory look-ups answered from the cache");
METRIC_COUNTER(directory_stale_hits, "ringmail_directory_cache_stale_total", "",
               "Directory look-ups answered past their time because the database was away");
METRIC_COUNTER(directory_coalesced, "ringmail_directory_coalesced_total", "",
               "Directory look-ups that waited for an identical one");
METRIC_COUNTER(directory_queries, "ringmail_directory_queries_total", "",
               "Queries sent to the directory's database");
METRIC_COUNTER(directory_query_errors, "ringmail_directory_query_errors_total", "",
               "Queries that got no answer");
METRIC_HISTOGRAM(directory_query_time, "ringmail_directory_query_seconds", "",
                 "Time of a query, waiting for a connection included");

/* A question under way. Counted: the asker and each waiter hold it. */
struct flight {
    struct condition landed;
    unsigned holders;
    bool done;
    bool detached; /* no longer in the map: what it brings must not be remembered */
    error result;
    struct arena arena;
    struct directory_rows rows;
    instant asked;
    slice key; /* in this block */
    char key_bytes[];
};

void directory_lookup_init(struct directory_lookup *lookup,
                           const struct directory_settings *settings,
                           const struct directory_backend_class *class,
                           struct directory_backend *backend)
{
    *lookup = (struct directory_lookup){.settings = settings, .class = class, .backend = backend};
    directory_cache_init(&lookup->cache, settings->cache_entries);
    for (int i = 0; i < DIRECTORY_QUERIES; i++)
        map_init(&lookup->flights[i]);
}

void directory_lookup_close(struct directory_lookup *lookup)
{
    ASSERT(lookup->asking == 0);
    directory_cache_close(&lookup->cache);
    for (int i = 0; i < DIRECTORY_QUERIES; i++)
        map_close(&lookup->flights[i]);
}

static struct flight *flight_create(slice key)
{
    struct flight *flight = malloc(sizeof *flight + key.size);
    if (!flight)
        return NULL;
    *flight = (struct flight){.holders = 1};
    condition_init(&flight->landed);
    arena_init(&flight->arena, DIRECTORY_ANSWER_SIZE_MAX);
    memcpy(flight->key_bytes, key.data, key.size);
    flight->key = slice_of(flight->key_bytes, key.size);
    return flight;
}

static void flight_release(struct flight *flight)
{
    if (--flight->holders == 0) {
        arena_close(&flight->arena);
        free(flight);
    }
}

static bool is_about_domain(enum directory_query query)
{
    return query == DIRECTORY_QUERY_DOMAIN || query == DIRECTORY_QUERY_DKIM ||
           query == DIRECTORY_QUERY_TRANSPORT;
}

static slice query_key(enum directory_query query, slice whole, slice domain)
{
    return is_about_domain(query) ? domain : whole;
}

/* A collation may think "jose" equal to "josé" or "jose "; the directory does not. */
static bool row_is_meant(const struct directory_settings *settings, enum directory_query query,
                         const struct directory_row *row, slice whole, slice domain)
{
    slice named = row->columns[DIRECTORY_COLUMN_ADDRESS];
    if (!named.data)
        return true; /* the query does not say: its own affair */
    struct arena arena;
    arena_init(&arena, 16 * DIRECTORY_ADDRESS_SIZE_MAX);
    bool meant = false, catch_all = slice_starts(named, SLICE("@"));
    if (is_about_domain(query) || catch_all) {
        slice ascii, wanted = catch_all ? slice_from(whole, 1) : domain;
        error problem = idna_to_ascii(&arena, slice_from(named, catch_all ? 1 : 0), &ascii);
        meant = !failed(problem) && slice_equal(ascii, wanted);
    } else {
        struct directory_address address;
        error problem = directory_address_parse(settings, named, &arena, &address);
        meant = !failed(problem) && slice_equal(address.whole, whole);
    }
    arena_close(&arena);
    return meant;
}

static void keep_meant_rows(const struct directory_settings *settings, enum directory_query query,
                            slice whole, slice domain, struct directory_rows *rows)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < rows->count; i++)
        if (row_is_meant(settings, query, &rows->rows[i], whole, domain))
            rows->rows[kept++] = rows->rows[i];
    rows->count = kept;
}

static error query_once(struct directory_lookup *lookup, enum directory_query query, slice local,
                        slice domain, slice whole, instant deadline, struct arena *arena,
                        struct directory_rows *out_rows)
{
    struct directory_key key = {
        .values = {[DIRECTORY_PARAMETER_KEY] = query_key(query, whole, domain),
                   [DIRECTORY_PARAMETER_ADDRESS] = whole,
                   [DIRECTORY_PARAMETER_LOCAL] = local,
                   [DIRECTORY_PARAMETER_DOMAIN] = domain}};
    instant start = time_now();
    error result = lookup->class->query(lookup->backend, query, &key, deadline, arena, out_rows);
    metric_add(&directory_queries, 1);
    metric_observe(&directory_query_time, (uint64_t)(time_now() - start));
    if (failed(result) && result.kind != ERROR_CANCELLED)
        metric_add(&directory_query_errors, 1);
    return result;
}

/* Databases may hold an international domain in either form. */
static error query_database(struct directory_lookup *lookup, enum directory_query query,
                            slice local, slice domain, slice whole, struct flight *flight)
{
    const struct directory_settings *settings = lookup->settings;
    instant deadline = time_after(settings->query_timeout);
    flight->asked = timer_now();
    TRY(query_once(lookup, query, local, domain, whole, deadline, &flight->arena, &flight->rows));
    keep_meant_rows(settings, query, whole, domain, &flight->rows);
    if (flight->rows.count > 0)
        return OK;
    bool differs;
    slice unicode, unicode_whole;
    TRY(directory_address_unicode(&flight->arena, local, domain, &differs, &unicode,
                                  &unicode_whole));
    if (!differs)
        return OK;
    TRY(query_once(lookup, query, local, unicode, unicode_whole, deadline, &flight->arena,
                   &flight->rows));
    keep_meant_rows(settings, query, whole, domain, &flight->rows);
    return OK;
}

static void flight_land(struct directory_lookup *lookup, enum directory_query query,
                        struct flight *flight)
{
    const struct directory_settings *settings = lookup->settings;
    flight->done = true;
    if (!flight->detached) {
        map_remove(&lookup->flights[query], flight->key);
        flight->detached = true;
        int64_t lifetime = flight->rows.count ? settings->cache_positive : settings->cache_negative;
        if (!failed(flight->result) && lifetime > 0)
            directory_cache_put(&lookup->cache, query, flight->key, &flight->rows, flight->asked,
                                flight->asked + lifetime);
        else if (!failed(flight->result))
            directory_cache_remove(&lookup->cache, query, flight->key);
    }
    condition_wake_all(&flight->landed);
}

/* The asker's part. */
static error fly(struct directory_lookup *lookup, enum directory_query query, slice local,
                 slice domain, slice whole, struct arena *arena, struct directory_rows *out_rows,
                 instant *out_asked)
{
    struct flight *flight = flight_create(query_key(query, whole, domain));
    TRY_MEMORY(flight);
    if (failed(map_put(&lookup->flights[query], flight->key, flight)))
        flight->detached = true; /* nobody can join: no harm */
    flight->result = query_database(lookup, query, local, domain, whole, flight);
    flight_land(lookup, query, flight);
    error result = flight->result;
    if (!failed(result))
        result = directory_rows_copy(&flight->rows, arena, out_rows);
    *out_asked = flight->asked;
    flight_release(flight);
    return result;
}

/* A waiter's part. */
static error join(struct flight *flight, struct arena *arena, struct directory_rows *out_rows,
                  instant *out_asked)
{
    metric_add(&directory_coalesced, 1);
    flight->holders++;
    error result = OK;
    while (!flight->done && !failed(result))
        result = condition_wait(&flight->landed, TIME_NEVER); /* the asker has a deadline */
    if (!failed(result) && flight->result.kind == ERROR_CANCELLED)
        result = error_make(ERROR_BUSY, "who asked was cancelled: ask again");
    else if (!failed(result))
        result = flight->result;
    if (!failed(result))
        result = directory_rows_copy(&flight->rows, arena, out_rows);
    *out_asked = flight->asked;
    flight_release(flight);
    return result;
}

static error ask(struct directory_lookup *lookup, enum directory_query query, slice local,
                 slice domain, slice whole, enum directory_freshness freshness, struct arena *arena,
                 struct directory_rows *out_rows, instant *out_asked)
{
    slice key = query_key(query, whole, domain);
    for (;;) {
        const struct directory_cache_entry *entry = directory_cache_get(&lookup->cache, query, key);
        if (entry && freshness == DIRECTORY_CACHED_FINE && timer_now() < entry->expires) {
            metric_add(&directory_hits, 1);
            *out_asked = entry->asked;
            return directory_rows_copy(&entry->rows, arena, out_rows);
        }
        struct flight *flight = map_get(&lookup->flights[query], key);
        error result = flight
                           ? join(flight, arena, out_rows, out_asked)
                           : fly(lookup, query, local, domain, whole, arena, out_rows, out_asked);
        if (flight && result.kind == ERROR_BUSY)
            continue;
        if (!failed(result) || result.kind == ERROR_CANCELLED || result.kind == ERROR_LIMIT)
            return result;
        entry = directory_cache_get(&lookup->cache, query, key);
        if (entry && entry->rows.count && freshness == DIRECTORY_CACHED_FINE &&
            timer_now() < entry->expires + lookup->settings->cache_stale) {
            metric_add(&directory_stale_hits, 1);
            *out_asked = entry->asked;
            return directory_rows_copy(&entry->rows, arena, out_rows);
        }
        return result;
    }
}

error directory_ask(struct directory_lookup *lookup, enum directory_query query, slice local,
                    slice domain, enum directory_freshness freshness, struct arena *arena,
                    struct directory_rows *out_rows, instant *out_asked)
{
    char whole[DIRECTORY_LOCAL_SIZE_MAX + 1 + DIRECTORY_ADDRESS_SIZE_MAX];
    ASSERT(local.size <= DIRECTORY_LOCAL_SIZE_MAX && domain.size <= DIRECTORY_ADDRESS_SIZE_MAX);
    if (local.size)
        memcpy(whole, local.data, local.size);
    whole[local.size] = '@';
    memcpy(whole + local.size + 1, domain.data, domain.size);
    lookup->asking++;
    error result = ask(lookup, query, local, domain, slice_of(whole, local.size + 1 + domain.size),
                       freshness, arena, out_rows, out_asked);
    lookup->asking--;
    return result;
}

static void detach(struct directory_lookup *lookup, enum directory_query query, slice key)
{
    struct flight *flight = map_remove(&lookup->flights[query], key);
    if (flight)
        flight->detached = true;
}

static void forget(struct directory_lookup *lookup, enum directory_query query, slice key)
{
    directory_cache_remove(&lookup->cache, query, key);
    detach(lookup, query, key);
}

/* Domain empty: all of them. */
static void detach_domain(struct directory_lookup *lookup, slice domain)
{
    for (int i = 0; i < DIRECTORY_QUERIES; i++) {
        size_t position = 0;
        slice key;
        void *value;
        while (map_next(&lookup->flights[i], &position, &key, &value))
            if (domain.size == 0 || directory_key_is_of_domain(key, domain))
                detach(lookup, (enum directory_query)i, key);
    }
}

void directory_forget_all(struct directory_lookup *lookup)
{
    directory_cache_clear(&lookup->cache);
    detach_domain(lookup, SLICE_EMPTY);
}

void directory_forget_domain(struct directory_lookup *lookup, slice domain)
{
    directory_cache_remove_domain(&lookup->cache, domain);
    detach_domain(lookup, domain);
}

void directory_forget_address(struct directory_lookup *lookup, slice address, slice domain)
{
    slice catch_all = slice_from(address, address.size - domain.size - 1);
    forget(lookup, DIRECTORY_QUERY_DOMAIN, domain);
    forget(lookup, DIRECTORY_QUERY_TRANSPORT, domain);
    forget(lookup, DIRECTORY_QUERY_ACCOUNT, address);
    forget(lookup, DIRECTORY_QUERY_ALIAS, address);
    forget(lookup, DIRECTORY_QUERY_ALIAS, catch_all);
    forget(lookup, DIRECTORY_QUERY_IDENTITY, address);
}
