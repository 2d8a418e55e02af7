/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The embedded backend. Queries run in place: one takes 7 µs, less than the hop to a worker and
 * back (README.md). In WAL mode readers never wait for
 * writers; the rare SQLITE_BUSY (recovery after a crash, a checkpoint that resets the log) is
 * waited out by sleeping.
 */
#include "base/log.h"
#include "data/directory/backend.h"
#include "data/directory/sqlite_file.h"
#include "runtime/fiber.h"

#include <sqlite3.h>
#include <stdlib.h>

static const int64_t BUSY_PAUSE = 2 * TIME_MS;

struct directory_backend {
    sqlite3 *database;
    const struct directory_statement *texts;
    sqlite3_stmt *statements[DIRECTORY_QUERIES]; /* prepared when first asked */
};

static error sqlite_open(const struct directory_settings *settings,
                         const struct directory_statement *statements,
                         struct directory_backend **out_backend)
{
    struct directory_backend *backend = calloc(1, sizeof *backend);
    TRY_MEMORY(backend);
    error result = sqlite_file_open(settings->path, SQLITE_TO_READ, &backend->database);
    if (failed(result)) {
        free(backend);
        return result;
    }
    backend->texts = statements;
    *out_backend = backend;
    return OK;
}

static void sqlite_close(struct directory_backend **backend)
{
    struct directory_backend *b = *backend;
    if (!b)
        return;
    for (int i = 0; i < DIRECTORY_QUERIES; i++)
        sqlite3_finalize(b->statements[i]);
    sqlite3_close(b->database);
    free(b);
    *backend = NULL;
}

static error trouble(struct directory_backend *backend, const char *what)
{
    error problem = error_make(ERROR_TEMPORARY, what);
    log_event(LOG_ERROR, "directory.sqlite", problem,
              slice_from_string(sqlite3_errmsg(backend->database)));
    return problem;
}

static error prepare(struct directory_backend *backend, enum directory_query query)
{
    sqlite3_stmt **statement = &backend->statements[query];
    if (*statement)
        return OK;
    int answer = sqlite3_prepare_v3(backend->database, backend->texts[query].sql, -1,
                                    SQLITE_PREPARE_PERSISTENT, statement, NULL);
    if (answer == SQLITE_BUSY)
        return error_make(ERROR_BUSY, "database busy");
    if (answer != SQLITE_OK)
        return trouble(backend, "a directory query is not understood");
    if (sqlite3_bind_parameter_count(*statement) == (int)backend->texts[query].parameter_count)
        return OK;
    sqlite3_finalize(*statement);
    *statement = NULL;
    return error_make(ERROR_TEMPORARY, "a directory query has variables of its own");
}

static error add_row(sqlite3_stmt *statement, enum directory_query query, struct arena *arena,
                     struct directory_rows *rows)
{
    struct directory_row *row = directory_rows_add(rows, arena);
    if (!row)
        return rows->truncated ? OK : error_make(ERROR_LIMIT, "directory answer too large");
    for (int i = 0; i < sqlite3_column_count(statement); i++) {
        int column = directory_column_find(query, sqlite3_column_name(statement, i));
        const void *value = column >= 0 ? sqlite3_column_text(statement, i) : NULL;
        size_t size = value ? (size_t)sqlite3_column_bytes(statement, i) : 0;
        if (size > DIRECTORY_COLUMN_SIZE_MAX)
            return error_make(ERROR_TEMPORARY, "a value in the directory is too large");
        if (value) {
            char *copy = arena_alloc_bytes(arena, size ? size : 1);
            TRY_MEMORY(copy);
            memcpy(copy, value, size);
            row->columns[column] = slice_of(copy, size);
        }
    }
    return OK;
}

static error run(struct directory_backend *backend, enum directory_query query,
                 const struct directory_key *key, struct arena *arena, struct directory_rows *rows)
{
    const struct directory_statement *text = &backend->texts[query];
    TRY(prepare(backend, query));
    sqlite3_stmt *statement = backend->statements[query];
    for (unsigned i = 0; i < text->parameter_count; i++) {
        slice value = key->values[text->parameters[i]];
        if (sqlite3_bind_text(statement, (int)i + 1, value.data ? value.data : "", (int)value.size,
                              SQLITE_STATIC) != SQLITE_OK)
            return trouble(backend, "a directory query failed");
    }
    error result = OK;
    int answer = SQLITE_DONE;
    while (!failed(result) && !rows->truncated && (answer = sqlite3_step(statement)) == SQLITE_ROW)
        result = add_row(statement, query, arena, rows);
    if (answer == SQLITE_BUSY || answer == SQLITE_LOCKED)
        result = error_make(ERROR_BUSY, "database busy");
    else if (!failed(result) && answer != SQLITE_DONE && answer != SQLITE_ROW)
        result = trouble(backend, "a directory query failed");
    sqlite3_reset(statement);
    return result;
}

static error sqlite_query(struct directory_backend *backend, enum directory_query query,
                          const struct directory_key *key, instant deadline, struct arena *arena,
                          struct directory_rows *out_rows)
{
    for (;;) {
        struct directory_rows rows = {0};
        error result = run(backend, query, key, arena, &rows);
        if (!failed(result))
            *out_rows = rows;
        if (result.kind != ERROR_BUSY)
            return result;
        if (time_now() + BUSY_PAUSE > deadline)
            return error_make(ERROR_TEMPORARY, "database busy");
        TRY(fiber_sleep(BUSY_PAUSE));
    }
}

const struct directory_backend_class directory_sqlite = {
    .name = "sqlite", .open = sqlite_open, .close = sqlite_close, .query = sqlite_query};
