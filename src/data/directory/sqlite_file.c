/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "data/directory/sqlite_file.h"

#include "base/log.h"
#include "data/directory/schema.h"

#include <sqlite3.h>
#include <stdio.h>

enum {
    PATH_SIZE_MAX = 1024,
    OPEN_TIMEOUT_MS = 5000, /* all cores open it at once, and one makes the tables */
};

static error run(sqlite3 *database, const char *sql)
{
    if (sqlite3_exec(database, sql, NULL, NULL, NULL) == SQLITE_OK)
        return OK;
    error problem = error_make(ERROR_TEMPORARY, "the SQLite directory cannot be opened");
    log_event(LOG_ERROR, "directory.sqlite", problem, slice_from_string(sqlite3_errmsg(database)));
    return problem;
}

/* Looked for first: a reader must not need the write lock only to find everything in place. */
static bool has_tables(sqlite3 *database)
{
    sqlite3_stmt *statement;
    bool there = false;
    if (sqlite3_prepare_v2(database,
                           "SELECT count(*) FROM sqlite_master WHERE name IN ('virtual_domains',"
                           " 'virtual_users', 'virtual_aliases')",
                           -1, &statement, NULL) == SQLITE_OK)
        there = sqlite3_step(statement) == SQLITE_ROW && sqlite3_column_int(statement, 0) == 3;
    sqlite3_finalize(statement);
    return there;
}

static error make_tables(sqlite3 *database)
{
    TRY(run(database, "BEGIN IMMEDIATE"));
    for (int i = 0; directory_schema_sqlite[i]; i++)
        TRY(run(database, directory_schema_sqlite[i]));
    return run(database, "COMMIT");
}

static error prepare_database(sqlite3 *database, enum sqlite_use use)
{
    sqlite3_busy_timeout(database, OPEN_TIMEOUT_MS);
    TRY(run(database, "PRAGMA journal_mode=WAL"));
    TRY(run(database, "PRAGMA synchronous=FULL")); /* an account that was said to exist, does */
    TRY(run(database, "PRAGMA foreign_keys=ON"));
    if (!has_tables(database))
        TRY(make_tables(database));
    if (use == SQLITE_TO_READ) {
        TRY(run(database, "PRAGMA query_only=ON"));
        TRY(run(database, "PRAGMA mmap_size=268435456"));
        sqlite3_busy_timeout(database, 0); /* the backend waits by itself, the core must not */
    }
    return OK;
}

error sqlite_file_open(slice path, enum sqlite_use use, struct sqlite3 **out_database)
{
    char name[PATH_SIZE_MAX];
    if (path.size == 0 || path.size >= sizeof name || slice_find_byte(path, 0) >= 0)
        return error_make(ERROR_MALFORMED, "the path of the SQLite directory is empty or too long");
    snprintf(name, sizeof name, "%.*s", SLICE_ARG(path));
    sqlite3 *database = NULL;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    error result = OK;
    if (sqlite3_open_v2(name, &database, flags, NULL) != SQLITE_OK) {
        result = error_make(ERROR_TEMPORARY, "the SQLite directory cannot be opened");
        log_event(LOG_ERROR, "directory.sqlite", result, path);
    } else {
        result = prepare_database(database, use);
    }
    if (failed(result)) {
        sqlite3_close(database);
        return result;
    }
    *out_database = database;
    return OK;
}
