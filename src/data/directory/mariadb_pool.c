/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "data/directory/mariadb_pool.h"

#include "base/assert.h"
#include "base/log.h"
#include "base/metric.h"
#include "base/random.h"
#include "runtime/fiber.h"

METRIC_GAUGE(pool_open, "ringmail_directory_connections", "state=\"open\"",
             "Connections to the directory's database");
METRIC_GAUGE(pool_lent, "ringmail_directory_connections", "state=\"in_use\"",
             "Connections to the directory's database");
METRIC_GAUGE(pool_waiting, "ringmail_directory_connection_waiters", "",
             "Look-ups that wait for a connection");
METRIC_COUNTER(pool_connected, "ringmail_directory_connects_total", "result=\"ok\"",
               "Attempts to connect to the directory's database");
METRIC_COUNTER(pool_connect_failed, "ringmail_directory_connects_total", "result=\"failed\"",
               "Attempts to connect to the directory's database");

static const int64_t HOST_PAUSE_MIN = 50 * TIME_MS;
static const int64_t HOST_PAUSE_MAX = 5 * TIME_S;
static const int64_t GRACE = 2 * TIME_S;            /* a restart of the database is waited out */
static const int64_t AWAY_PATIENCE = 200 * TIME_MS; /* after that */
static const int64_t DEMAND_PAUSE = 100 * TIME_MS;  /* between attempts that somebody waits for */
static const int64_t CONNECTION_AGE_MAX =
    600 * TIME_S; /* then made anew, perhaps to a better host */

error mariadb_pool_init(struct mariadb_pool *pool, const struct directory_settings *settings)
{
    *pool = (struct mariadb_pool){.settings = settings};
    if (settings->hosts.count == 0 || settings->hosts.count > DIRECTORY_HOSTS_MAX)
        return error_make(ERROR_MALFORMED, "directory.hosts names no host, or more than 8");
    for (size_t i = 0; i < settings->hosts.count; i++) {
        struct mariadb_host *host = &pool->hosts[pool->host_count++];
        host->name = settings->hosts.items[i];
        TRY(mariadb_address_parse(host->name, &host->address));
    }
    list_init(&pool->idle);
    condition_init(&pool->changed);
    condition_init(&pool->hurry);
    crew_init(&pool->crew, NULL);
    return OK;
}

static void close_connection(struct mariadb_pool *pool, struct mariadb_connection *connection,
                             bool abort)
{
    mariadb_connection_close(&connection, abort);
    pool->open--;
    metric_add(&pool_open, -1);
}

void mariadb_pool_close(struct mariadb_pool *pool)
{
    struct mariadb_connection *connection;
    crew_close(&pool->crew);
    ASSERT(pool->waiting == 0);
    LIST_EACH (&pool->idle, connection, node)
        close_connection(pool, connection, false);
    ASSERT(pool->open == 0);
}

/* The best host that may be tried now; NULL and when to look again. */
static struct mariadb_host *pick_host(struct mariadb_pool *pool, instant now, instant *out_next)
{
    *out_next = TIME_NEVER;
    for (unsigned i = 0; i < pool->host_count; i++) {
        struct mariadb_host *host = &pool->hosts[i];
        if (host->retry_at <= now)
            return host;
        if (host->retry_at < *out_next)
            *out_next = host->retry_at;
    }
    return NULL;
}

static void log_host(const char *event, enum log_level level, const struct mariadb_host *host)
{
    struct log_line line = log_begin(level, event);
    log_text(&line, "host", host->name);
    log_number(&line, "failures", host->failures);
    log_end(&line);
}

static void host_failed(struct mariadb_pool *pool, struct mariadb_host *host)
{
    unsigned doublings = host->failures < 10 ? host->failures : 10;
    int64_t pause = HOST_PAUSE_MIN << doublings;
    int64_t pause_max = pool->open == 0 && pool->waiting > 0 ? DEMAND_PAUSE : HOST_PAUSE_MAX;
    if (pause > pause_max)
        pause = pause_max;
    pause = pause / 2 + (int64_t)random_below((uint64_t)pause); /* 50 to 150 %: cores spread out */
    instant now = time_now();
    host->tried_at = now;
    host->retry_at = now + pause;
    if (host->failures++ == 0)
        log_host("directory.host.down", LOG_WARNING, host);
    if (pool->open == 0 && pool->away_since == 0) {
        pool->away_since = now;
        condition_wake_all(&pool->changed); /* who waits has less patience from now on */
    }
}

static void host_answered(struct mariadb_pool *pool, struct mariadb_host *host)
{
    if (host->failures > 0)
        log_host("directory.host.up", LOG_WARNING, host);
    host->failures = 0;
    host->retry_at = 0;
    pool->away_since = 0;
}

/* WAITS. One attempt at one host. */
static error connect_to(struct mariadb_pool *pool, struct mariadb_host *host)
{
    struct mariadb_connection *connection;
    error result = mariadb_connection_open(
        pool->settings, &host->address, time_after(pool->settings->connect_timeout), &connection);
    if (result.kind == ERROR_CANCELLED)
        return result;
    metric_add(failed(result) ? &pool_connect_failed : &pool_connected, 1);
    if (failed(result)) {
        host_failed(pool, host);
        return result;
    }
    host_answered(pool, host);
    connection->host = host;
    int64_t age = CONNECTION_AGE_MAX / 2 + (int64_t)random_below(CONNECTION_AGE_MAX / 2);
    connection->retire = time_after(age);
    pool->open++;
    metric_add(&pool_open, 1);
    list_prepend(&pool->idle, &connection->node);
    condition_wake_one(&pool->changed);
    return OK;
}

/* Makes one connection. While no host answers exactly one of these goes on trying, so that the
 * database's return is noticed. */
static void connector_run(void *argument)
{
    struct mariadb_pool *pool = argument;
    error result = OK;
    do {
        instant next;
        struct mariadb_host *host = pick_host(pool, time_now(), &next);
        if (!host && (result = condition_wait(&pool->hurry, next)).kind == ERROR_TIMEOUT)
            result = OK;
        else if (host && !failed(result = connect_to(pool, host)))
            break;
    } while (result.kind != ERROR_CANCELLED && pool->connecting == 1 &&
             (pool->open == 0 || pool->waiting > 0));
    pool->connecting--;
}

/* No host answers, but somebody asks: the pauses are for when nobody does. */
static void hurry_up(struct mariadb_pool *pool)
{
    for (unsigned i = 0; i < pool->host_count; i++) {
        struct mariadb_host *host = &pool->hosts[i];
        instant soon = host->tried_at + DEMAND_PAUSE;
        if (host->retry_at > soon)
            host->retry_at = soon;
    }
    condition_wake_all(&pool->hurry);
}

static void want_connection(struct mariadb_pool *pool)
{
    if (pool->away_since)
        hurry_up(pool);
    unsigned limit = pool->away_since ? 1 : pool->settings->connections;
    if (pool->open + pool->connecting >= pool->settings->connections || pool->connecting >= limit ||
        pool->connecting >= pool->waiting)
        return;
    pool->connecting++;
    if (failed(fiber_start(&pool->crew, "directory.connect", connector_run, pool)))
        pool->connecting--; /* out of stacks: the next who wants one tries again */
}

static struct mariadb_connection *take_idle(struct mariadb_pool *pool)
{
    struct mariadb_connection *connection;
    LIST_EACH (&pool->idle, connection, node) {
        list_remove(&connection->node);
        if (time_now() < connection->retire) {
            metric_add(&pool_lent, 1);
            return connection;
        }
        close_connection(pool, connection, false);
    }
    return NULL;
}

/* How long a question from `start` may wait: its deadline, or once no host answers the rest of the
 * grace. */
static instant patience_end(const struct mariadb_pool *pool, instant start, instant deadline)
{
    if (!pool->away_since)
        return deadline;
    instant grace = pool->away_since + GRACE, least = start + AWAY_PATIENCE;
    instant end = grace > least ? grace : least;
    return end < deadline ? end : deadline;
}

/* WAITS. */
static error wait_for_one(struct mariadb_pool *pool, instant deadline,
                          struct mariadb_connection **out_connection)
{
    instant start = time_now();
    for (;;) {
        struct mariadb_connection *connection = take_idle(pool);
        if (connection) {
            *out_connection = connection;
            return OK;
        }
        want_connection(pool);
        instant end = patience_end(pool, start, deadline);
        if (time_now() >= end)
            return error_make(ERROR_TEMPORARY, pool->away_since ? "no database host answers"
                                                                : "all database connections busy");
        error result = condition_wait(&pool->changed, end);
        if (result.kind != ERROR_TIMEOUT)
            TRY(result);
    }
}

error mariadb_pool_take(struct mariadb_pool *pool, instant deadline,
                        struct mariadb_connection **out_connection)
{
    pool->waiting++;
    metric_add(&pool_waiting, 1);
    error result = wait_for_one(pool, deadline, out_connection);
    metric_add(&pool_waiting, -1);
    pool->waiting--;
    if (failed(result) && !list_is_empty(&pool->idle))
        condition_wake_one(&pool->changed); /* the wake that came too late is for another */
    return result;
}

void mariadb_pool_give(struct mariadb_pool *pool, struct mariadb_connection *connection)
{
    metric_add(&pool_lent, -1);
    list_prepend(&pool->idle, &connection->node);
    condition_wake_one(&pool->changed);
}

void mariadb_pool_discard(struct mariadb_pool *pool, struct mariadb_connection *connection,
                          bool host_failed_too)
{
    struct mariadb_host *host = connection->host;
    struct mariadb_connection *other;
    metric_add(&pool_lent, -1);
    close_connection(pool, connection, true);
    if (host_failed_too) {
        LIST_EACH (&pool->idle, other, node)
            if (other->host == host)
                close_connection(pool, other, true);
        host_failed(pool, host);
    }
    condition_wake_one(&pool->changed); /* there is room for a new one */
}
