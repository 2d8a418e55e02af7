/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The provider's backend. Every question is a read and may be asked again: a connection that fails
 * under it costs another attempt, on another host if there is one, until the deadline.
 */
#include "base/metric.h"
#include "data/directory/backend.h"
#include "data/directory/mariadb_pool.h"

#include <mariadb/mysql.h>
#include <stdlib.h>
#include <threads.h>

METRIC_COUNTER(directory_retries, "ringmail_directory_query_retries_total", "",
               "Queries asked again because a connection failed under them");

enum {
    CLOSED_MAX = 2
}; /* connections that break under one question before the host gets a pause */

struct directory_backend {
    struct mariadb_pool pool;
    const struct directory_statement *texts;
};

/* The library's own start is not safe against threads. */
static once_flag library_once = ONCE_FLAG_INIT;
static bool library_ready;

static void library_start(void)
{
    library_ready = mysql_library_init(0, NULL, NULL) == 0;
}

static error mariadb_open(const struct directory_settings *settings,
                          const struct directory_statement *statements,
                          struct directory_backend **out_backend)
{
    call_once(&library_once, library_start);
    if (!library_ready)
        return error_make(ERROR_PERMANENT, "libmariadb does not start");
    struct directory_backend *backend = calloc(1, sizeof *backend);
    TRY_MEMORY(backend);
    backend->texts = statements;
    error result = mariadb_pool_init(&backend->pool, settings);
    if (failed(result)) {
        free(backend);
        return result;
    }
    *out_backend = backend;
    return OK;
}

static void mariadb_close(struct directory_backend **backend)
{
    if (!*backend)
        return;
    mariadb_pool_close(&(*backend)->pool);
    free(*backend);
    *backend = NULL;
}

/* WAITS. One attempt. *out_again: another connection may do better. */
static error attempt(struct directory_backend *backend, enum directory_query query,
                     const struct directory_key *key, instant deadline, unsigned failures,
                     struct arena *arena, struct directory_rows *out_rows, bool *out_again)
{
    struct mariadb_pool *pool = &backend->pool;
    struct mariadb_connection *connection;
    *out_again = false;
    TRY(mariadb_pool_take(pool, deadline, &connection));
    /* Half of the time for a server that hangs, half for another. */
    instant patience = time_after(pool->settings->query_timeout / 2);
    error result =
        mariadb_connection_query(connection, &backend->texts[query], query, key,
                                 patience < deadline ? patience : deadline, arena, out_rows);
    switch (result.kind) {
    case ERROR_CLOSED:
        *out_again = true; /* a stale connection is no fault of the host; several are */
        mariadb_pool_discard(pool, connection, failures >= CLOSED_MAX);
        return result;
    case ERROR_TIMEOUT:
        *out_again = true;
        mariadb_pool_discard(pool, connection, true);
        return result;
    case ERROR_NONE:
    case ERROR_TEMPORARY:
        mariadb_pool_give(pool, connection);
        return result;
    default:
        mariadb_pool_discard(pool, connection, false);
        return result;
    }
}

static error mariadb_query(struct directory_backend *backend, enum directory_query query,
                           const struct directory_key *key, instant deadline, struct arena *arena,
                           struct directory_rows *out_rows)
{
    for (unsigned failures = 0;; failures++) {
        bool again;
        error result = attempt(backend, query, key, deadline, failures, arena, out_rows, &again);
        if (!again)
            return result;
        if (time_now() >= deadline)
            return error_make(ERROR_TEMPORARY, "the database does not answer");
        metric_add(&directory_retries, 1);
    }
}

const struct directory_backend_class directory_mariadb = {
    .name = "mariadb", .open = mariadb_open, .close = mariadb_close, .query = mariadb_query};
