/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Through the same client library, with its blocking calls.
 */
#include "data/directory/edit_backend.h"
#include "data/directory/mariadb_connection.h"
#include "data/directory/schema.h"

#include <mariadb/mysql.h>
#include <mariadb/mysqld_error.h>
#include <stdio.h>
#include <stdlib.h>

enum { VALUE_SIZE_MAX = 4096, TEXT_SIZE_MAX = 512, ANSWER_TIMEOUT_S = 30 };

struct edit_database {
    MYSQL *mysql;
    char words[EDIT_WORDS_SIZE];
};

static bool text_of(slice s, char out[TEXT_SIZE_MAX])
{
    if (s.size >= TEXT_SIZE_MAX)
        return false;
    snprintf(out, TEXT_SIZE_MAX, "%.*s", SLICE_ARG(s));
    return true;
}

static void set_options(MYSQL *mysql, const struct directory_settings *settings)
{
    unsigned connect_s = (unsigned)((settings->connect_timeout + TIME_S - 1) / TIME_S);
    unsigned answer_s = ANSWER_TIMEOUT_S, no = 0;
    my_bool yes = 1;
    char tls_ca[TEXT_SIZE_MAX];
    mysql_options(mysql, MYSQL_OPT_CONNECT_TIMEOUT, &connect_s);
    mysql_options(mysql, MYSQL_OPT_READ_TIMEOUT, &answer_s);
    mysql_options(mysql, MYSQL_OPT_WRITE_TIMEOUT, &answer_s);
    mysql_options(mysql, MYSQL_SET_CHARSET_NAME, "utf8mb4");
    mysql_options(mysql, MYSQL_OPT_LOCAL_INFILE, &no);
    if (settings->tls_ca.size && text_of(settings->tls_ca, tls_ca)) {
        mysql_options(mysql, MYSQL_OPT_SSL_CA, tls_ca);
        mysql_options(mysql, MYSQL_OPT_SSL_ENFORCE, &yes);
    }
}

/* The first host that answers. */
static MYSQL *connect_to(const struct directory_settings *settings, slice host,
                         char words[EDIT_WORDS_SIZE])
{
    struct mariadb_address address;
    char user[TEXT_SIZE_MAX], password[TEXT_SIZE_MAX], database[TEXT_SIZE_MAX];
    if (failed(mariadb_address_parse(host, &address)) || !text_of(settings->user, user) ||
        !text_of(settings->password, password) || !text_of(settings->database, database)) {
        snprintf(words, EDIT_WORDS_SIZE, "%.*s: not a database host, or a setting is too long",
                 SLICE_ARG(host));
        return NULL;
    }
    MYSQL *mysql = mysql_init(NULL);
    if (!mysql)
        return NULL;
    set_options(mysql, settings);
    if (mysql_real_connect(mysql, address.socket[0] ? "localhost" : address.name, user, password,
                           database, address.port, address.socket[0] ? address.socket : NULL,
                           CLIENT_FOUND_ROWS))
        return mysql;
    snprintf(words, EDIT_WORDS_SIZE, "%.*s: %s", SLICE_ARG(host), mysql_error(mysql));
    mysql_close(mysql);
    return NULL;
}

static error edit_mariadb_open(const struct directory_settings *settings,
                               char words[EDIT_WORDS_SIZE], struct edit_database **out_database)
{
    struct edit_database *database = calloc(1, sizeof *database);
    TRY_MEMORY(database);
    snprintf(words, EDIT_WORDS_SIZE, "directory.hosts names no host");
    for (size_t i = 0; i < settings->hosts.count && !database->mysql; i++)
        database->mysql = connect_to(settings, settings->hosts.items[i], words);
    if (!database->mysql) {
        free(database);
        return error_make(ERROR_TEMPORARY, "no database host answers");
    }
    *out_database = database;
    return OK;
}

static void edit_mariadb_close(struct edit_database **database)
{
    mysql_close((*database)->mysql); /* undoes what was not committed */
    free(*database);
    *database = NULL;
}

static const char *edit_mariadb_words(struct edit_database *database)
{
    return database->words;
}

static error trouble(struct edit_database *database, MYSQL_STMT *statement)
{
    unsigned number = mysql_stmt_errno(statement);
    snprintf(database->words, sizeof database->words, "%s", mysql_stmt_error(statement));
    if (number == ER_DUP_ENTRY)
        return error_make(ERROR_EXISTS, "it is there already");
    if (number == ER_NO_SUCH_TABLE)
        return error_make(ERROR_NOT_FOUND, "a table is missing");
    return error_make(ERROR_TEMPORARY, "the database refused a statement");
}

struct result {
    MYSQL_BIND binds[EDIT_COLUMNS_MAX];
    unsigned long sizes[EDIT_COLUMNS_MAX];
    my_bool nulls[EDIT_COLUMNS_MAX];
    char values[EDIT_COLUMNS_MAX][VALUE_SIZE_MAX];
};

static error read_rows(struct edit_database *database, MYSQL_STMT *statement,
                       edit_row_function *row, void *argument)
{
    static _Thread_local struct result result;
    slice columns[EDIT_COLUMNS_MAX];
    unsigned count = mysql_stmt_field_count(statement);
    if (count == 0)
        return OK;
    if (count > EDIT_COLUMNS_MAX)
        return error_make(ERROR_BUG, "too many columns in an edit");
    for (unsigned i = 0; i < count; i++)
        result.binds[i] = (MYSQL_BIND){.buffer_type = MYSQL_TYPE_STRING,
                                       .buffer = result.values[i],
                                       .buffer_length = VALUE_SIZE_MAX,
                                       .length = &result.sizes[i],
                                       .is_null = &result.nulls[i]};
    /* Stored: visiting a row may run other statements. */
    if (mysql_stmt_bind_result(statement, result.binds) || mysql_stmt_store_result(statement))
        return trouble(database, statement);
    int answer;
    while ((answer = mysql_stmt_fetch(statement)) == 0 || answer == MYSQL_DATA_TRUNCATED) {
        for (unsigned i = 0; i < count; i++) {
            size_t size = result.sizes[i] < VALUE_SIZE_MAX ? result.sizes[i] : VALUE_SIZE_MAX;
            columns[i] = result.nulls[i] ? SLICE_EMPTY : slice_of(result.values[i], size);
        }
        if (row)
            TRY(row(argument, columns, count));
    }
    return answer == MYSQL_NO_DATA ? OK : trouble(database, statement);
}

static error run(struct edit_database *database, MYSQL_STMT *statement, const char *sql,
                 const slice *parameters, unsigned count, edit_row_function *row, void *argument,
                 uint64_t *out_changed)
{
    MYSQL_BIND binds[EDIT_PARAMETERS_MAX] = {0};
    unsigned long sizes[EDIT_PARAMETERS_MAX];
    for (unsigned i = 0; i < count; i++) {
        sizes[i] = parameters[i].size;
        binds[i] = (MYSQL_BIND){.buffer_type = MYSQL_TYPE_STRING,
                                .buffer = (void *)(uintptr_t)parameters[i].data,
                                .buffer_length = parameters[i].size,
                                .length = &sizes[i]};
    }
    if (mysql_stmt_prepare(statement, sql, strlen(sql)) ||
        (count > 0 && mysql_stmt_bind_param(statement, binds)) || mysql_stmt_execute(statement))
        return trouble(database, statement);
    if (out_changed)
        *out_changed = mysql_stmt_affected_rows(statement);
    return read_rows(database, statement, row, argument);
}

static error edit_mariadb_run(struct edit_database *database, const char *sql,
                              const slice *parameters, unsigned count, edit_row_function *row,
                              void *argument, uint64_t *out_changed)
{
    MYSQL_STMT *statement = mysql_stmt_init(database->mysql);
    TRY_MEMORY(statement);
    error result = run(database, statement, sql, parameters, count, row, argument, out_changed);
    mysql_stmt_close(statement);
    return result;
}

const struct edit_backend edit_mariadb = {.open = edit_mariadb_open,
                                          .close = edit_mariadb_close,
                                          .run = edit_mariadb_run,
                                          .words = edit_mariadb_words,
                                          .schema = directory_schema_mariadb};
