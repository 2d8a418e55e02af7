/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "data/directory/mariadb_connection.h"

#include "base/cursor.h"
#include "base/log.h"
#include "data/directory/mariadb_wait.h"
#include "runtime/worker.h"

#include <arpa/inet.h>
#include <mariadb/errmsg.h>
#include <mariadb/mysql.h>
#include <mariadb/mysqld_error.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

enum {
    RESULT_COLUMNS_MAX = 64,
    SMALL_VALUE_SIZE = 128, /* longer ones take a second call */
    TEXT_SETTING_MAX = 512,
};

struct mariadb_statement {
    MYSQL_STMT *handle;
    MYSQL_RES *metadata; /* of the columns when it was prepared */
    unsigned column_count;
    int columns[RESULT_COLUMNS_MAX]; /* enum directory_column or -1 */
    MYSQL_BIND binds[RESULT_COLUMNS_MAX];
    unsigned long sizes[RESULT_COLUMNS_MAX];
    my_bool nulls[RESULT_COLUMNS_MAX];
    my_bool cut[RESULT_COLUMNS_MAX];
    char values[RESULT_COLUMNS_MAX][SMALL_VALUE_SIZE];
};

/* The database's own words, for the operator; at most one line a second and core. */
static error report(const char *what, enum error_kind kind, unsigned number, const char *words)
{
    static _Thread_local instant last = INT64_MIN / 2;
    error problem = error_make(kind, what);
    if (time_now() - last < TIME_S)
        return problem;
    last = time_now();
    struct log_line line = log_begin(LOG_ERROR, "directory.mariadb");
    log_error(&line, problem);
    log_number(&line, "code", number);
    log_string(&line, "words", words);
    log_end(&line);
    return problem;
}

/* ---- addresses ---- */

static bool copy_text(slice text, char *out, size_t capacity)
{
    if (text.size >= capacity || slice_find_byte(text, 0) >= 0)
        return false;
    if (text.size)
        memcpy(out, text.data, text.size);
    out[text.size] = 0;
    return true;
}

error mariadb_address_parse(slice text, struct mariadb_address *out_address)
{
    error malformed = error_make(ERROR_MALFORMED, "a database host is name, name:port, [v6]:port "
                                                  "or /socket");
    struct mariadb_address address = {0};
    if (slice_starts(text, SLICE("/"))) {
        if (!copy_text(text, address.socket, sizeof address.socket))
            return malformed;
        *out_address = address;
        return OK;
    }
    slice name = text, port = SLICE_EMPTY, rest;
    if (slice_starts(text, SLICE("["))) {
        if (!slice_cut(slice_from(text, 1), ']', &name, &rest))
            return malformed;
        if (rest.size > 0 && rest.data[0] != ':')
            return malformed;
        port = slice_from(rest, 1);
    } else if (slice_find_byte(text, ':') == slice_find_last_byte(text, ':')) {
        slice_cut(text, ':', &name, &port); /* more than one colon: a bare IPv6 address */
    }
    if (port.size > 0) {
        struct cursor c = cursor_over(port);
        uint64_t number;
        if (!cursor_take_u64(&c, 65535, &number) || !cursor_done(&c))
            return malformed;
        address.port = (unsigned)number;
    }
    if (name.size == 0 || !copy_text(name, address.name, sizeof address.name))
        return malformed;
    *out_address = address;
    return OK;
}

struct resolution {
    const char *name;
    char address[INET6_ADDRSTRLEN];
};

static error resolve_on_worker(void *argument)
{
    struct resolution *r = argument;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found;
    if (getaddrinfo(r->name, NULL, &hints, &found) != 0)
        return error_make(ERROR_TEMPORARY, "the name of a database host is not found");
    int failure = getnameinfo(found->ai_addr, found->ai_addrlen, r->address, sizeof r->address,
                              NULL, 0, NI_NUMERICHOST);
    freeaddrinfo(found);
    return failure ? error_make(ERROR_TEMPORARY, "the name of a database host is not found") : OK;
}

/* libmariadb would look names up in place, and block the core. */
static error resolve(const struct mariadb_address *address, struct resolution *out)
{
    unsigned char binary[sizeof(struct in6_addr)];
    out->name = address->name;
    if (inet_pton(AF_INET, address->name, binary) == 1 ||
        inet_pton(AF_INET6, address->name, binary) == 1) {
        copy_text(slice_from_string(address->name), out->address, sizeof out->address);
        return OK;
    }
    return worker_run(WORKER_FILE, resolve_on_worker, out);
}

/* ---- connecting ---- */

struct login {
    char user[TEXT_SETTING_MAX], password[TEXT_SETTING_MAX], database[TEXT_SETTING_MAX];
    char tls_ca[TEXT_SETTING_MAX];
};

static error login_copy(const struct directory_settings *settings, struct login *out)
{
    if (!copy_text(settings->user, out->user, sizeof out->user) ||
        !copy_text(settings->password, out->password, sizeof out->password) ||
        !copy_text(settings->database, out->database, sizeof out->database) ||
        !copy_text(settings->tls_ca, out->tls_ca, sizeof out->tls_ca))
        return error_make(ERROR_TEMPORARY, "a setting of the directory is too long");
    return OK;
}

static void set_options(MYSQL *mysql, const struct login *login, instant deadline)
{
    int64_t left = (deadline - time_now() + TIME_S - 1) / TIME_S; /* we keep the exact time */
    unsigned seconds = left < 1 ? 1 : (unsigned)left;
    unsigned no = 0;
    my_bool yes = 1;
    mysql_options(mysql, MYSQL_OPT_NONBLOCK, NULL);
    mysql_options(mysql, MYSQL_OPT_CONNECT_TIMEOUT, &seconds);
    mysql_options(mysql, MYSQL_SET_CHARSET_NAME, "utf8mb4");
    mysql_options(mysql, MYSQL_OPT_LOCAL_INFILE, &no); /* a server may not ask for our files */
    if (login->tls_ca[0]) {
        mysql_options(mysql, MYSQL_OPT_SSL_CA, login->tls_ca);
        mysql_options(mysql, MYSQL_OPT_SSL_ENFORCE, &yes);
    }
}

static error connect_handle(MYSQL *mysql, const struct login *login,
                            const struct mariadb_address *address, instant deadline)
{
    struct resolution host = {0};
    bool local = address->socket[0] || strcmp(address->name, "localhost") == 0;
    if (!local)
        TRY(resolve(address, &host));
    MYSQL *connected = NULL;
    int waiting = mysql_real_connect_start(
        &connected, mysql, local ? "localhost" : host.address, login->user, login->password,
        login->database, address->port, address->socket[0] ? address->socket : NULL, 0);
    while (waiting) {
        TRY(mariadb_wait(mysql, &waiting, deadline));
        waiting = mysql_real_connect_cont(&connected, mysql, waiting);
    }
    if (!connected)
        return report("the database cannot be reached", ERROR_TEMPORARY, mysql_errno(mysql),
                      mysql_error(mysql));
    return OK;
}

error mariadb_connection_open(const struct directory_settings *settings,
                              const struct mariadb_address *address, instant deadline,
                              struct mariadb_connection **out_connection)
{
    struct login login;
    TRY(login_copy(settings, &login));
    struct mariadb_connection *connection = calloc(1, sizeof *connection);
    TRY_MEMORY(connection);
    list_init(&connection->node);
    connection->mysql = mysql_init(NULL);
    error result = connection->mysql ? OK : error_make(ERROR_LIMIT, "out of memory");
    if (!failed(result)) {
        set_options(connection->mysql, &login, deadline);
        result = connect_handle(connection->mysql, &login, address, deadline);
    }
    explicit_bzero(&login, sizeof login);
    if (failed(result)) {
        if (result.kind == ERROR_TIMEOUT)
            result = report("the database does not answer", ERROR_TEMPORARY, 0, "");
        mariadb_connection_close(&connection, true);
        return result;
    }
    *out_connection = connection;
    return OK;
}

static void statement_drop(struct mariadb_connection *connection, enum directory_query query)
{
    struct mariadb_statement *statement = connection->statements[query];
    connection->statements[query] = NULL;
    if (statement->metadata)
        mysql_free_result(statement->metadata);
    mysql_stmt_close(statement->handle); /* a few bytes to the server, without an answer */
    free(statement);
}

void mariadb_connection_close(struct mariadb_connection **connection, bool abort)
{
    struct mariadb_connection *c = *connection;
    if (!c)
        return;
    list_remove(&c->node);
    if (c->mysql) {
        if (abort && (int)mysql_get_socket(c->mysql) >= 0)
            shutdown((int)mysql_get_socket(c->mysql), SHUT_RDWR); /* so that closing cannot block */
        mysql_close(c->mysql); /* first: statements that lost their connection close in silence */
    }
    for (int i = 0; i < DIRECTORY_QUERIES; i++)
        if (c->statements[i])
            statement_drop(c, (enum directory_query)i);
    free(c);
    *connection = NULL;
}

/* ---- statements ---- */

/* What a failure of the library or the server means for the connection. */
static error statement_trouble(MYSQL_STMT *handle)
{
    unsigned number = mysql_stmt_errno(handle);
    if (number >= CR_MIN_ERROR && number <= CR_MAX_ERROR)
        return error_make(ERROR_CLOSED, "the database closed the connection");
    switch (number) {
    case ER_UNKNOWN_COM_ERROR: /* Galera: the node is not synced */
    case ER_SERVER_SHUTDOWN:
    case ER_CONNECTION_KILLED:
    case ER_NEW_ABORTING_CONNECTION:
    case ER_UNKNOWN_STMT_HANDLER:
    case ER_NEED_REPREPARE:
    case ER_LOCK_DEADLOCK:
    case ER_LOCK_WAIT_TIMEOUT:
        return error_make(ERROR_CLOSED, "the database cannot answer on this connection");
    }
    return report("the database refused a directory query", ERROR_TEMPORARY, number,
                  mysql_stmt_error(handle));
}

static error bind_columns(struct mariadb_statement *s, enum directory_query query)
{
    s->metadata = mysql_stmt_result_metadata(s->handle);
    if (!s->metadata)
        return error_make(ERROR_TEMPORARY, "a directory query gives no rows");
    s->column_count = mysql_num_fields(s->metadata);
    const MYSQL_FIELD *fields = mysql_fetch_fields(s->metadata);
    for (unsigned i = 0; i < s->column_count && i < RESULT_COLUMNS_MAX; i++) {
        s->columns[i] = directory_column_find(query, fields[i].name);
        s->binds[i] = (MYSQL_BIND){.buffer_type = MYSQL_TYPE_STRING,
                                   .buffer = s->values[i],
                                   .buffer_length = SMALL_VALUE_SIZE,
                                   .length = &s->sizes[i],
                                   .is_null = &s->nulls[i],
                                   .error = &s->cut[i]};
    }
    if (s->column_count > RESULT_COLUMNS_MAX)
        return error_make(ERROR_TEMPORARY, "a directory query gives too many columns");
    return OK;
}

static error prepare_handle(MYSQL *mysql, struct mariadb_statement *s, const char *sql,
                            instant deadline)
{
    int failure = 0;
    int waiting = mysql_stmt_prepare_start(&failure, s->handle, sql, strlen(sql));
    while (waiting) {
        TRY(mariadb_wait(mysql, &waiting, deadline));
        waiting = mysql_stmt_prepare_cont(&failure, s->handle, waiting);
    }
    return failure ? statement_trouble(s->handle) : OK;
}

static error prepare(struct mariadb_connection *connection, const struct directory_statement *text,
                     enum directory_query query, instant deadline)
{
    if (connection->statements[query])
        return OK;
    struct mariadb_statement *s = calloc(1, sizeof *s);
    TRY_MEMORY(s);
    s->handle = mysql_stmt_init(connection->mysql);
    if (!s->handle) {
        free(s);
        return error_make(ERROR_LIMIT, "out of memory");
    }
    connection->statements[query] = s; /* from here on closed with the connection */
    error result = prepare_handle(connection->mysql, s, text->sql, deadline);
    if (!failed(result) && mysql_stmt_param_count(s->handle) != text->parameter_count)
        result = error_make(ERROR_TEMPORARY, "a directory query has variables of its own");
    if (!failed(result))
        result = bind_columns(s, query);
    if (result.kind == ERROR_TEMPORARY)
        statement_drop(connection, query);
    return result;
}

static error execute(struct mariadb_connection *connection, struct mariadb_statement *s,
                     const struct directory_statement *text, const struct directory_key *key,
                     instant deadline)
{
    MYSQL_BIND binds[DIRECTORY_PARAMETERS_MAX] = {0};
    unsigned long sizes[DIRECTORY_PARAMETERS_MAX];
    for (unsigned i = 0; i < text->parameter_count; i++) {
        slice value = key->values[text->parameters[i]];
        sizes[i] = value.size;
        binds[i] = (MYSQL_BIND){.buffer_type = MYSQL_TYPE_STRING,
                                .buffer = (void *)(uintptr_t)(value.data ? value.data : ""),
                                .buffer_length = value.size,
                                .length = &sizes[i]};
    }
    if (mysql_stmt_bind_param(s->handle, binds))
        return statement_trouble(s->handle);
    int failure = 0;
    int waiting = mysql_stmt_execute_start(&failure, s->handle);
    while (waiting) {
        TRY(mariadb_wait(connection->mysql, &waiting, deadline));
        waiting = mysql_stmt_execute_cont(&failure, s->handle, waiting);
    }
    return failure ? statement_trouble(s->handle) : OK;
}

/* A value into the arena; what did not fit into the statement's own buffer is fetched again. */
static error copy_value(struct mariadb_statement *s, unsigned i, struct arena *arena,
                        slice *out_value)
{
    size_t size = s->sizes[i];
    if (size > DIRECTORY_COLUMN_SIZE_MAX)
        return error_make(ERROR_TEMPORARY, "a value in the directory is too large");
    char *copy = arena_alloc_bytes(arena, size ? size : 1);
    TRY_MEMORY(copy);
    if (size <= SMALL_VALUE_SIZE) {
        memcpy(copy, s->values[i], size);
    } else {
        unsigned long whole = size;
        MYSQL_BIND bind = {.buffer_type = MYSQL_TYPE_STRING,
                           .buffer = copy,
                           .buffer_length = size,
                           .length = &whole};
        if (mysql_stmt_fetch_column(s->handle, &bind, i, 0) || whole != size)
            return error_make(ERROR_CLOSED, "a value of the directory cannot be read");
    }
    *out_value = slice_of(copy, size);
    return OK;
}

static error add_row(struct mariadb_statement *s, struct arena *arena, struct directory_rows *rows)
{
    struct directory_row *row = directory_rows_add(rows, arena);
    if (!row)
        return rows->truncated ? OK : error_make(ERROR_LIMIT, "directory answer too large");
    for (unsigned i = 0; i < s->column_count; i++)
        if (s->columns[i] >= 0 && !s->nulls[i])
            TRY(copy_value(s, i, arena, &row->columns[s->columns[i]]));
    return OK;
}

static error fetch(struct mariadb_connection *connection, struct mariadb_statement *s,
                   instant deadline, struct arena *arena, struct directory_rows *rows)
{
    if (mysql_stmt_bind_result(s->handle, s->binds))
        return statement_trouble(s->handle);
    error kept = OK; /* the rest of the answer is read all the same: the connection stays usable */
    for (;;) {
        int answer = 0;
        int waiting = mysql_stmt_fetch_start(&answer, s->handle);
        while (waiting) {
            TRY(mariadb_wait(connection->mysql, &waiting, deadline));
            waiting = mysql_stmt_fetch_cont(&answer, s->handle, waiting);
        }
        if (answer == MYSQL_NO_DATA)
            return kept;
        if (answer != 0 && answer != MYSQL_DATA_TRUNCATED)
            return statement_trouble(s->handle);
        if (!failed(kept) && !rows->truncated)
            kept = add_row(s, arena, rows);
    }
}

static error free_result(struct mariadb_connection *connection, struct mariadb_statement *s,
                         instant deadline)
{
    my_bool failure = 0;
    int waiting = mysql_stmt_free_result_start(&failure, s->handle);
    while (waiting) {
        TRY(mariadb_wait(connection->mysql, &waiting, deadline));
        waiting = mysql_stmt_free_result_cont(&failure, s->handle, waiting);
    }
    return failure ? statement_trouble(s->handle) : OK;
}

/* The table was altered since the statement was prepared. The server says so once, with the first
 * answer of the new form: the library keeps what it knew, and would read that answer (and later
 * ones, which come without a description) by the old form. */
static bool columns_changed(struct mariadb_connection *connection, struct mariadb_statement *s)
{
    const MYSQL *mysql = connection->mysql;
    if (mysql->field_count != s->column_count || !mysql->fields)
        return true;
    const MYSQL_FIELD *known = mysql_fetch_fields(s->metadata);
    for (unsigned i = 0; i < s->column_count; i++)
        if (strcmp(known[i].name, mysql->fields[i].name) != 0 ||
            known[i].type != mysql->fields[i].type ||
            (known[i].flags ^ mysql->fields[i].flags) & UNSIGNED_FLAG)
            return true;
    return false;
}

error mariadb_connection_query(struct mariadb_connection *connection,
                               const struct directory_statement *text, enum directory_query query,
                               const struct directory_key *key, instant deadline,
                               struct arena *arena, struct directory_rows *out_rows)
{
    struct directory_rows rows = {0};
    TRY(prepare(connection, text, query, deadline));
    struct mariadb_statement *s = connection->statements[query];
    TRY(execute(connection, s, text, key, deadline));
    if (columns_changed(connection, s))
        return error_make(ERROR_CLOSED, "the directory's tables were altered");
    TRY(fetch(connection, s, deadline, arena, &rows));
    TRY(free_result(connection, s, deadline));
    *out_rows = rows;
    return OK;
}
