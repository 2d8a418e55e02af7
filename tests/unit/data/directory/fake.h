#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A directory over tables in the test: counts questions, can be slow, can fail. And the running of
 * a test inside a core.
 */
#include "check.h"

#include "data/directory/internal.h"
#include "runtime/core.h"
#include "runtime/crew.h"
#include "runtime/fiber.h"

#include <stdio.h>

struct fake_row {
    const char *key;
    const char *value; /* accounts: password; aliases: destination(s) */
    const char *named; /* what the row says it is about; NULL: the key */
};

static struct {
    const char *const *domains; /* end with NULL */
    const struct fake_row *accounts;
    const struct fake_row *aliases;
    const struct fake_row *identities;
    unsigned asked[DIRECTORY_QUERIES];
    int64_t delay;
    error failure;
    const char *quota;
} fake;

static error fake_open(const struct directory_settings *settings,
                       const struct directory_statement *statements,
                       struct directory_backend **out_backend)
{
    (void)settings, (void)statements, (void)out_backend;
    return OK;
}

static void fake_close(struct directory_backend **backend)
{
    (void)backend;
}

static error fake_add(struct arena *arena, struct directory_rows *rows,
                      enum directory_column column, const char *value, const char *named)
{
    struct directory_row *row = directory_rows_add(rows, arena);
    if (!row)
        return OK;
    row->columns[DIRECTORY_COLUMN_ADDRESS] = slice_from_string(named);
    row->columns[column] = slice_from_string(value);
    row->columns[DIRECTORY_COLUMN_QUOTA] = slice_from_string(fake.quota);
    return OK;
}

static error fake_query(struct directory_backend *backend, enum directory_query query,
                        const struct directory_key *key, instant deadline, struct arena *arena,
                        struct directory_rows *out_rows)
{
    (void)backend, (void)deadline;
    fake.asked[query]++;
    if (fake.delay)
        TRY(fiber_sleep(fake.delay));
    TRY(fake.failure);
    struct directory_rows rows = {0};
    slice wanted = key->values[DIRECTORY_PARAMETER_KEY];
    if (query == DIRECTORY_QUERY_DOMAIN)
        for (const char *const *domain = fake.domains; *domain; domain++)
            if (slice_equal(slice_from_string(*domain), wanted))
                TRY(fake_add(arena, &rows, DIRECTORY_COLUMN_ID, "1", *domain));
    const struct fake_row *table = query == DIRECTORY_QUERY_ACCOUNT    ? fake.accounts
                                   : query == DIRECTORY_QUERY_ALIAS    ? fake.aliases
                                   : query == DIRECTORY_QUERY_IDENTITY ? fake.identities
                                                                       : NULL;
    for (const struct fake_row *row = table; row && row->key; row++)
        if (wanted.size > 0 && *row->key == *wanted.data && /* tests of limits have many rows */
            slice_equal(slice_from_string(row->key), wanted))
            TRY(fake_add(arena, &rows,
                         query == DIRECTORY_QUERY_ACCOUNT ? DIRECTORY_COLUMN_PASSWORD
                                                          : DIRECTORY_COLUMN_DESTINATION,
                         row->value, row->named ? row->named : row->key));
    *out_rows = rows;
    return OK;
}

static const struct directory_backend_class fake_class = {
    .name = "fake", .open = fake_open, .close = fake_close, .query = fake_query};

static inline void fake_directory_open(struct directory *directory,
                                       struct directory_settings *settings)
{
    *directory = (struct directory){.settings = settings};
    arena_init(&directory->arena, 1 << 16);
    directory_lookup_init(&directory->lookup, settings, &fake_class, NULL);
    directory_login_cache_init(&directory->logins, settings->cache_entries, settings->login_cache,
                               settings->cache_negative);
    memset(fake.asked, 0, sizeof fake.asked);
    fake.delay = 0;
    fake.failure = OK;
}

static inline void fake_directory_close(struct directory *directory)
{
    directory_lookup_close(&directory->lookup);
    directory_login_cache_close(&directory->logins);
    arena_close(&directory->arena);
}

static inline struct directory_settings test_settings(void)
{
    static struct arena arena = {.limit = 1 << 16};
    struct directory_settings settings;
    arena_reset(&arena);
    assert_ok(settings_default(&directory_setting_table, &arena, &settings));
    return settings;
}

/* Runs a test function in the first fiber of a core. cmocka's failures jump out of the function, so
 * the core is left behind: fine in a test that fails. */
struct in_core {
    void (*test)(void);
};

static inline void in_core_main(void *argument)
{
    ((struct in_core *)argument)->test();
}

static inline void run_in_core(void (*test)(void))
{
    struct in_core in_core = {test};
    struct core_options options = {.count = 1};
    assert_ok(core_run_here(&options, in_core_main, &in_core));
}

#define IN_CORE(name)                                                                              \
    static void name##_in_core(void);                                                              \
    static void name(void **state)                                                                 \
    {                                                                                              \
        (void)state;                                                                               \
        run_in_core(name##_in_core);                                                               \
    }                                                                                              \
    static void name##_in_core(void)
