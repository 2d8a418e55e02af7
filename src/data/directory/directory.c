/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Opening, closing, forgetting.
 */
#include "data/directory/directory.h"

#include "data/directory/internal.h"
#include "format/text/idna.h"
#include "runtime/fiber.h"
#include "runtime/message.h"

#include <stdlib.h>

enum { STATEMENTS_SIZE_MAX = 64 * 1024 };
static const int64_t CLOSE_POLL = 5 * TIME_MS;

static _Thread_local struct directory *here;

static error open_backend(struct directory *directory)
{
    const struct directory_settings *settings = directory->settings;
    struct directory_statement *statements =
        ARENA_ARRAY(&directory->arena, struct directory_statement, DIRECTORY_QUERIES);
    TRY_MEMORY(statements);
    const slice texts[DIRECTORY_QUERIES] = {
        [DIRECTORY_QUERY_DOMAIN] = settings->domain_query,
        [DIRECTORY_QUERY_ACCOUNT] = settings->account_query,
        [DIRECTORY_QUERY_ALIAS] = settings->alias_query,
        [DIRECTORY_QUERY_DKIM] = settings->dkim_query,
        [DIRECTORY_QUERY_IDENTITY] = settings->identity_query,
        [DIRECTORY_QUERY_TRANSPORT] = settings->transport_query,
    };
    for (int i = 0; i < DIRECTORY_QUERIES; i++)
        if (i < DIRECTORY_QUERY_DKIM || texts[i].size) /* never asked where it is empty */
            TRY(directory_statement_compile(texts[i], &directory->arena, &statements[i]));
    const struct directory_backend_class *class =
        settings->backend == DIRECTORY_MARIADB ? &directory_mariadb : &directory_sqlite;
    struct directory_backend *backend;
    TRY(class->open(settings, statements, &backend));
    directory_lookup_init(&directory->lookup, settings, class, backend);
    return OK;
}

error directory_open(const struct directory_settings *settings, struct directory **out_directory)
{
    struct directory *directory = calloc(1, sizeof *directory);
    TRY_MEMORY(directory);
    directory->settings = settings;
    arena_init(&directory->arena, STATEMENTS_SIZE_MAX);
    error problem = open_backend(directory);
    if (failed(problem)) {
        arena_close(&directory->arena);
        free(directory);
        return problem;
    }
    directory_login_cache_init(&directory->logins, settings->cache_entries, settings->login_cache,
                               settings->cache_negative);
    here = *out_directory = directory;
    return OK;
}

void directory_close(struct directory **directory)
{
    struct directory *d = *directory;
    if (!d)
        return;
    if (here == d)
        here = NULL;
    while (d->lookup.asking > 0 || d->verifying > 0)
        error_ignore(fiber_park_steadfast(time_after(CLOSE_POLL))); /* look again */
    d->lookup.class->close(&d->lookup.backend);
    directory_lookup_close(&d->lookup);
    directory_login_cache_close(&d->logins);
    arena_close(&d->arena);
    free(d);
    *directory = NULL;
}

struct directory *directory_here(void)
{
    return here;
}

const char *directory_backend_name(const struct directory *directory)
{
    return directory->lookup.class->name;
}

static void invalidate_domain(struct directory *directory, slice domain, struct arena *scratch)
{
    slice ascii;
    if (failed(idna_to_ascii(scratch, domain, &ascii)))
        return; /* never was a key */
    directory_forget_domain(&directory->lookup, ascii);
    directory_login_forget_domain(&directory->logins, ascii);
}

void directory_invalidate(struct directory *directory, slice subject)
{
    if (subject.size == 0) {
        directory_forget_all(&directory->lookup);
        directory_login_forget_all(&directory->logins);
        return;
    }
    struct arena scratch;
    struct directory_address address;
    arena_init(&scratch, 16 * DIRECTORY_ADDRESS_SIZE_MAX);
    ptrdiff_t at = slice_find_last_byte(subject, '@');
    if (at <= 0) {
        invalidate_domain(directory, slice_from(subject, (size_t)(at + 1)), &scratch);
    } else if (!failed(directory_address_parse(directory->settings, subject, &scratch, &address))) {
        directory_forget_address(&directory->lookup, address.whole, address.domain);
        directory_forget_address(&directory->lookup, address.base_address, address.domain);
        directory_login_forget(&directory->logins, address.whole);
    }
    arena_close(&scratch);
}

static error invalidate_here(void *argument)
{
    if (here)
        directory_invalidate(here, *(const slice *)argument);
    return OK;
}

error directory_invalidate_everywhere(slice subject)
{
    return core_broadcast(invalidate_here, &subject);
}
