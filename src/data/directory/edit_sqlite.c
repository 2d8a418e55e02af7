/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "data/directory/edit_backend.h"
#include "data/directory/schema.h"
#include "data/directory/sqlite_file.h"

#include <sqlite3.h>
#include <stdio.h>

static error edit_sqlite_open(const struct directory_settings *settings,
                              char words[EDIT_WORDS_SIZE], struct edit_database **out_database)
{
    sqlite3 *database;
    error result = sqlite_file_open(settings->path, SQLITE_TO_WRITE, &database);
    if (failed(result)) {
        snprintf(words, EDIT_WORDS_SIZE, "cannot open %.*s", SLICE_ARG(settings->path));
        return result;
    }
    *out_database = (struct edit_database *)database;
    return OK;
}

static void edit_sqlite_close(struct edit_database **database)
{
    sqlite3_close((sqlite3 *)*database);
    *database = NULL;
}

static const char *edit_sqlite_words(struct edit_database *database)
{
    return sqlite3_errmsg((sqlite3 *)database);
}

static error read_rows(sqlite3_stmt *statement, edit_row_function *row, void *argument,
                       int *out_answer)
{
    slice columns[EDIT_COLUMNS_MAX];
    while ((*out_answer = sqlite3_step(statement)) == SQLITE_ROW) {
        int count = sqlite3_column_count(statement);
        for (int i = 0; i < count && i < EDIT_COLUMNS_MAX; i++) {
            const void *text = sqlite3_column_text(statement, i);
            columns[i] = slice_of(text, (size_t)sqlite3_column_bytes(statement, i));
        }
        if (row)
            TRY(row(argument, columns, (unsigned)count));
    }
    return OK;
}

static error edit_sqlite_run(struct edit_database *database, const char *sql,
                             const slice *parameters, unsigned count, edit_row_function *row,
                             void *argument, uint64_t *out_changed)
{
    sqlite3 *handle = (sqlite3 *)database;
    sqlite3_stmt *statement;
    if (sqlite3_prepare_v2(handle, sql, -1, &statement, NULL) != SQLITE_OK)
        return error_make(ERROR_TEMPORARY, "the database refused a statement");
    for (unsigned i = 0; i < count; i++)
        sqlite3_bind_text(statement, (int)i + 1, parameters[i].data ? parameters[i].data : "",
                          (int)parameters[i].size, SQLITE_STATIC);
    int answer = SQLITE_DONE;
    error result = read_rows(statement, row, argument, &answer);
    sqlite3_finalize(statement);
    TRY(result);
    if (answer == SQLITE_CONSTRAINT)
        return error_make(ERROR_EXISTS, "it is there already");
    if (answer != SQLITE_DONE)
        return error_make(ERROR_TEMPORARY, "the database refused a statement");
    if (out_changed)
        *out_changed = (uint64_t)sqlite3_changes(handle);
    return OK;
}

const struct edit_backend edit_sqlite = {.open = edit_sqlite_open,
                                         .close = edit_sqlite_close,
                                         .run = edit_sqlite_run,
                                         .words = edit_sqlite_words,
                                         .schema = directory_schema_sqlite};
