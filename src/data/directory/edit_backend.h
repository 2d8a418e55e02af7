#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * SQL for edit.c on either database, blocking. Inside data/directory only.
 */
#include "base/error.h"
#include "base/slice.h"
#include "data/directory/settings.h"

enum {
    EDIT_PARAMETERS_MAX = 8,
    EDIT_COLUMNS_MAX = 8,
    EDIT_WORDS_SIZE = 512,
};

struct edit_database;

/* NULL columns are empty slices. */
typedef error edit_row_function(void *argument, const slice *columns, unsigned count);

struct edit_backend {
    /* `words` gets the database's own on failure. */
    error (*open)(const struct directory_settings *settings, char words[EDIT_WORDS_SIZE],
                  struct edit_database **out_database);
    void (*close)(struct edit_database **database);
    /* One statement with ? for each parameter. row may be NULL. out_changed (may be NULL): rows
     * inserted, updated to or deleted. ERROR_EXISTS for a second row under a unique key,
     * ERROR_NOT_FOUND for a missing table. */
    error (*run)(struct edit_database *database, const char *sql, const slice *parameters,
                 unsigned count, edit_row_function *row, void *argument, uint64_t *out_changed);
    const char *(*words)(struct edit_database *database);
    const char *const *schema;
};

extern const struct edit_backend edit_sqlite;
extern const struct edit_backend edit_mariadb;
