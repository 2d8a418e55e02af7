/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What both databases share: statements, column names, rows.
 */
#include "data/directory/backend.h"

#include "base/buffer.h"

enum { STATEMENT_SIZE_MAX = 8192 };

static bool parameter_of(char variable, enum directory_parameter *out_parameter)
{
    switch (variable) {
    case 'u':
    case 's': /* Postfix's name for it */
        *out_parameter = DIRECTORY_PARAMETER_ADDRESS;
        return true;
    case 'n':
        *out_parameter = DIRECTORY_PARAMETER_LOCAL;
        return true;
    case 'd':
        *out_parameter = DIRECTORY_PARAMETER_DOMAIN;
        return true;
    }
    return false;
}

static error add_parameter(struct directory_statement *statement, struct buffer *sql,
                           enum directory_parameter parameter)
{
    if (statement->parameter_count == DIRECTORY_PARAMETERS_MAX)
        return error_make(ERROR_LIMIT, "too many variables in a query");
    statement->parameters[statement->parameter_count++] = parameter;
    buffer_add_byte(sql, '?');
    return OK;
}

/* Outside of quotes ? and %x are parameters. '%x' in quotes is what people copy from other servers'
 * configurations: the quotes go. Any other text in quotes stays as it is. */
static error compile(slice text, struct directory_statement *statement, struct buffer *sql)
{
    char quote = 0;
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        enum directory_parameter parameter;
        if (!quote && c == '\'' && i + 3 < text.size && text.data[i + 1] == '%' &&
            text.data[i + 3] == '\'' && parameter_of(text.data[i + 2], &parameter)) {
            TRY(add_parameter(statement, sql, parameter));
            i += 3;
        } else if (!quote && c == '?') {
            TRY(add_parameter(statement, sql, DIRECTORY_PARAMETER_KEY));
        } else if (!quote && c == '%' && i + 1 < text.size &&
                   parameter_of(text.data[i + 1], &parameter)) {
            TRY(add_parameter(statement, sql, parameter));
            i++;
        } else {
            if (quote ? c == quote : c == '\'' || c == '"' || c == '`')
                quote = quote ? 0 : c;
            buffer_add_byte(sql, c);
        }
    }
    return quote ? error_make(ERROR_MALFORMED, "a quote is not closed in a query")
                 : buffer_check(sql);
}

error directory_statement_compile(slice text, struct arena *arena,
                                  struct directory_statement *out_statement)
{
    struct directory_statement statement = {0};
    struct buffer sql;
    buffer_init(&sql, STATEMENT_SIZE_MAX);
    error result = compile(text, &statement, &sql);
    if (!failed(result) && statement.parameter_count == 0)
        result = error_make(ERROR_MALFORMED, "a query without a variable");
    if (!failed(result))
        result = arena_string(arena, buffer_slice(&sql), &statement.sql);
    buffer_close(&sql);
    TRY(result);
    *out_statement = statement;
    return OK;
}

int directory_column_find(enum directory_query query, const char *name)
{
    static const struct {
        enum directory_query query;
        const char *name;
        enum directory_column column;
    } names[] = {
        {DIRECTORY_QUERY_DOMAIN, "name", DIRECTORY_COLUMN_ADDRESS},
        {DIRECTORY_QUERY_DOMAIN, "domain", DIRECTORY_COLUMN_ADDRESS},
        {DIRECTORY_QUERY_ACCOUNT, "id", DIRECTORY_COLUMN_ID},
        {DIRECTORY_QUERY_ACCOUNT, "email", DIRECTORY_COLUMN_ADDRESS},
        {DIRECTORY_QUERY_ACCOUNT, "password", DIRECTORY_COLUMN_PASSWORD},
        {DIRECTORY_QUERY_ACCOUNT, "quota", DIRECTORY_COLUMN_QUOTA},
        {DIRECTORY_QUERY_ACCOUNT, "quota_bytes", DIRECTORY_COLUMN_QUOTA},
        {DIRECTORY_QUERY_ACCOUNT, "quota_messages", DIRECTORY_COLUMN_QUOTA_MESSAGES},
        {DIRECTORY_QUERY_ACCOUNT, "home", DIRECTORY_COLUMN_HOME},
        {DIRECTORY_QUERY_ALIAS, "source", DIRECTORY_COLUMN_ADDRESS},
        {DIRECTORY_QUERY_ALIAS, "destination", DIRECTORY_COLUMN_DESTINATION},
        {DIRECTORY_QUERY_ALIAS, "goto", DIRECTORY_COLUMN_DESTINATION},
        {DIRECTORY_QUERY_DKIM, "domain", DIRECTORY_COLUMN_ADDRESS},
        {DIRECTORY_QUERY_DKIM, "name", DIRECTORY_COLUMN_ADDRESS},
        {DIRECTORY_QUERY_DKIM, "selector", DIRECTORY_COLUMN_SELECTOR},
        {DIRECTORY_QUERY_DKIM, "private_key", DIRECTORY_COLUMN_PRIVATE_KEY},
        {DIRECTORY_QUERY_IDENTITY, "login", DIRECTORY_COLUMN_ADDRESS},
        {DIRECTORY_QUERY_IDENTITY, "sender", DIRECTORY_COLUMN_DESTINATION},
        {DIRECTORY_QUERY_TRANSPORT, "domain", DIRECTORY_COLUMN_ADDRESS},
        {DIRECTORY_QUERY_TRANSPORT, "transport", DIRECTORY_COLUMN_TRANSPORT},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].query == query &&
            slice_equal_nocase(slice_from_string(name), slice_from_string(names[i].name)))
            return (int)names[i].column;
    return -1;
}

/* Capacity doubles; the arena keeps the outgrown arrays until it goes. */
struct directory_row *directory_rows_add(struct directory_rows *rows, struct arena *arena)
{
    if (rows->count == DIRECTORY_ROWS_MAX) {
        rows->truncated = true;
        return NULL;
    }
    if ((rows->count & (rows->count - 1)) == 0) {
        size_t capacity = rows->count ? 2 * (size_t)rows->count : 1;
        struct directory_row *grown = ARENA_ARRAY(arena, struct directory_row, capacity);
        if (!grown)
            return NULL;
        if (rows->count)
            memcpy(grown, rows->rows, rows->count * sizeof *grown);
        rows->rows = grown;
    }
    return &rows->rows[rows->count++];
}
