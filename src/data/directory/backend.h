#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a database must do for the directory: answer a few prepared questions. Inside
 * data/directory only. A backend belongs to one core.
 */
#include "base/arena.h"
#include "base/error.h"
#include "base/time.h"
#include "data/directory/settings.h"

enum directory_query {
    DIRECTORY_QUERY_DOMAIN,
    DIRECTORY_QUERY_ACCOUNT,
    DIRECTORY_QUERY_ALIAS,
    DIRECTORY_QUERY_DKIM,     /* optional, as all that follow */
    DIRECTORY_QUERY_IDENTITY, /* by the account that logged in */
    DIRECTORY_QUERY_TRANSPORT,
    DIRECTORY_QUERIES
};

/* Columns a query may give; others are ignored. */
enum directory_column {
    DIRECTORY_COLUMN_ID,
    DIRECTORY_COLUMN_ADDRESS, /* what the row is about, to be compared with what was asked */
    DIRECTORY_COLUMN_PASSWORD,
    DIRECTORY_COLUMN_QUOTA,
    DIRECTORY_COLUMN_QUOTA_MESSAGES,
    DIRECTORY_COLUMN_HOME,
    DIRECTORY_COLUMN_DESTINATION, /* of an alias; the sender that an identity grants */
    DIRECTORY_COLUMN_SELECTOR,
    DIRECTORY_COLUMN_PRIVATE_KEY,
    DIRECTORY_COLUMN_TRANSPORT,
    DIRECTORY_COLUMNS
};

enum {
    DIRECTORY_ROWS_MAX = 1000,           /* of one answer */
    DIRECTORY_COLUMN_SIZE_MAX = 65536,   /* bytes of one value */
    DIRECTORY_ANSWER_SIZE_MAX = 1 << 20, /* bytes of one answer */
    DIRECTORY_PARAMETERS_MAX = 8,        /* of one query */
};

struct directory_row {
    slice columns[DIRECTORY_COLUMNS]; /* data NULL: no such column, or NULL in the database */
};

struct directory_rows {
    unsigned count;
    struct directory_row *rows;
    bool truncated; /* there were more than DIRECTORY_ROWS_MAX */
};

enum directory_parameter {
    DIRECTORY_PARAMETER_KEY, /* the query's own: domain, address or alias source */
    DIRECTORY_PARAMETER_ADDRESS,
    DIRECTORY_PARAMETER_LOCAL,
    DIRECTORY_PARAMETER_DOMAIN,
    DIRECTORY_PARAMETERS
};

struct directory_statement {
    const char *sql; /* with ? only */
    unsigned parameter_count;
    enum directory_parameter parameters[DIRECTORY_PARAMETERS_MAX];
};

/* The values of one look-up, by enum directory_parameter. */
struct directory_key {
    slice values[DIRECTORY_PARAMETERS];
};

struct directory_backend;

struct directory_backend_class {
    const char *name;
    /* The statements are borrowed and outlive the backend. */
    error (*open)(const struct directory_settings *settings,
                  const struct directory_statement *statements, /* [DIRECTORY_QUERIES] */
                  struct directory_backend **out_backend);
    void (*close)(struct directory_backend **backend); /* no query is running */
    /* WAITS until the deadline at most. No row is success. Anything the database or the way to it
     * does wrong is ERROR_TEMPORARY (ERROR_CANCELLED where the fiber was cancelled). */
    error (*query)(struct directory_backend *backend, enum directory_query query,
                   const struct directory_key *key, instant deadline, struct arena *arena,
                   struct directory_rows *out_rows);
};

extern const struct directory_backend_class directory_sqlite;
extern const struct directory_backend_class directory_mariadb;

/* %u, %n and %d (also in quotes) become ?; ERROR_MALFORMED on other variables or too many. */
error directory_statement_compile(slice text, struct arena *arena,
                                  struct directory_statement *out_statement);
/* By a column's name, either case; -1 for one the query does not use. */
int directory_column_find(enum directory_query query, const char *name);
/* Appends a row, NULL past DIRECTORY_ROWS_MAX (then truncated is set) or out of memory. */
struct directory_row *directory_rows_add(struct directory_rows *rows, struct arena *arena);
