#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One connection to a MariaDB server with its prepared statements, through libmariadb's
 * non-blocking calls: each _start and _cont returns what it wants to wait for, and the waiting is
 * done here, in the fiber's own frames. Inside data/directory only.
 */
#include "base/list.h"
#include "data/directory/backend.h"

struct mariadb_host;
struct mariadb_statement;

struct mariadb_connection {
    struct list node; /* in the pool's idle list */
    struct mariadb_host *host;
    instant retire; /* closed instead of reused from then on */
    struct st_mysql *mysql;
    struct mariadb_statement *statements[DIRECTORY_QUERIES];
};

/* Where a server is. Parsed once; names are resolved at each connection attempt. */
struct mariadb_address {
    char name[256]; /* host name or address; empty: socket */
    char socket[108];
    unsigned port; /* 0: the default */
};
/* "name", "name:port", "[v6]:port", "v6", "/socket". ERROR_MALFORMED. */
error mariadb_address_parse(slice text, struct mariadb_address *out_address);

/* WAITS. Trouble is ERROR_TEMPORARY, its words are in the log (at most one line a second). */
error mariadb_connection_open(const struct directory_settings *settings,
                              const struct mariadb_address *address, instant deadline,
                              struct mariadb_connection **out_connection);
/* In place. abort: something is under way or the server does not answer: no goodbye. */
void mariadb_connection_close(struct mariadb_connection **connection, bool abort);

/* WAITS. ERROR_CLOSED or ERROR_TIMEOUT: the connection is of no use any more, another may do
 * better. ERROR_CANCELLED: of no use either. ERROR_TEMPORARY: the server said no; the connection is
 * good. */
error mariadb_connection_query(struct mariadb_connection *connection,
                               const struct directory_statement *text, enum directory_query query,
                               const struct directory_key *key, instant deadline,
                               struct arena *arena, struct directory_rows *out_rows);
