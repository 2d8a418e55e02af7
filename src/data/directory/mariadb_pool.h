#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One core's connections to MariaDB: at most settings.connections, made when they are needed, by a
 * fiber of their own, so that whoever asked may give up or be cancelled without spoiling an
 * attempt. Hosts are tried in their order; one that failed is left alone for a time that doubles
 * (with jitter) up to HOST_PAUSE_MAX. When no host answers for longer than GRACE, requests fail at
 * once instead of waiting for their deadline. Inside data/directory only.
 */
#include "data/directory/mariadb_connection.h"
#include "runtime/crew.h"
#include "runtime/wait.h"

struct mariadb_host {
    struct mariadb_address address;
    slice name;        /* as in the settings */
    unsigned failures; /* in a row */
    instant retry_at;
    instant tried_at; /* the last attempt's end */
};

struct mariadb_pool {
    const struct directory_settings *settings;
    struct mariadb_host hosts[DIRECTORY_HOSTS_MAX];
    unsigned host_count;
    struct list idle;         /* most recently used first */
    unsigned open;            /* idle and lent */
    unsigned connecting;      /* fibers that try */
    unsigned waiting;         /* fibers that want one */
    instant away_since;       /* no host answers; 0: one does */
    struct condition changed; /* a connection, or room for one; or patience has shrunk */
    struct condition hurry;   /* a connector need not rest any longer */
    struct crew crew;
};

error mariadb_pool_init(struct mariadb_pool *pool, const struct directory_settings *settings);
/* WAITS. Nothing may be lent. */
void mariadb_pool_close(struct mariadb_pool *pool);

/* WAITS. ERROR_TEMPORARY where none comes in time, ERROR_CANCELLED. */
error mariadb_pool_take(struct mariadb_pool *pool, instant deadline,
                        struct mariadb_connection **out_connection);
void mariadb_pool_give(struct mariadb_pool *pool, struct mariadb_connection *connection);
/* Instead of give, for a connection that failed. host_failed: the host gets its pause, and idle
 * connections to it are dropped. */
void mariadb_pool_discard(struct mariadb_pool *pool, struct mariadb_connection *connection,
                          bool host_failed);
