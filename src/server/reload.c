/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/log.h"
#include "filter/authentic/keyring.h"
#include "filter/authentic/signer.h"
#include "format/ucl/parse.h"
#include "net/tls.h"
#include "runtime/message.h"
#include "runtime/worker.h"
#include "server/logging.h"
#include "server/server.h"
#include "transport/queue/queue.h"

error server_load_certificates(struct config *config, struct tls_server **tls,
                               struct buffer *problems)
{
    const struct tls_settings *settings = &config->tls;
    if (settings->certificates.count == 0)
        return OK;
    unsigned count = (unsigned)settings->certificates.count, bad = count;
    struct tls_files *files = ARENA_ARRAY(&config->arena, struct tls_files, count);
    TRY_MEMORY(files);
    for (unsigned i = 0; i < count; i++) {
        TRY(arena_string(&config->arena, settings->certificates.items[i], &files[i].certificate));
        TRY(arena_string(&config->arena, settings->keys.items[i], &files[i].key));
    }
    const struct tls_server_options options = {
        .files = files,
        .file_count = count,
        .version_min = (enum tls_version)settings->version_min,
    };
    error problem =
        *tls ? tls_server_reload(*tls, &options, &bad) : tls_server_create(&options, tls, &bad);
    if (failed(problem))
        buffer_format(problems, "%s: %s\n", bad < count ? files[bad].certificate : "certificates",
                      problem.text);
    return problem;
}

struct reading {
    struct server *server;
    struct config *fresh;
    struct keyring *keyring;
    struct buffer *lines;
};

/* On a worker: files are read here. The running configuration only changes on core 0, which waits.
 */
static error read_again(void *argument)
{
    struct reading *reading = argument;
    struct server *server = reading->server;
    struct config *running = server->config;
    TRY(config_load(running->path, &server->overrides, reading->lines, &reading->fresh));
    config_keep_fixed(reading->fresh, running, reading->lines);
    error problem = server->tls || reading->fresh->tls.certificates.count == 0
                        ? server_load_certificates(reading->fresh, &server->tls, reading->lines)
                        : OK;
    if (!server->tls && reading->fresh->tls.certificates.count > 0)
        buffer_add_string(reading->lines, "tls: certificates are taken up after a restart, because "
                                          "there were none at start\n");
    if (!failed(problem))
        problem =
            keyring_read(&reading->fresh->dkim, server->keyring, reading->lines, &reading->keyring);
    if (!failed(problem))
        problem = logging_open(&reading->fresh->log);
    if (failed(problem)) {
        keyring_unref(&reading->keyring);
        config_destroy(&reading->fresh);
        return error_make(ERROR_MALFORMED, problem.text);
    }
    return OK;
}

/* On each core: what keeps a copy of its own. */
static error take_over(void *argument)
{
    return server_start_filters(argument);
}

static error reload(struct server *server, struct buffer *lines)
{
    struct reading reading = {.server = server, .lines = lines};
    TRY(worker_run(WORKER_FILE, read_again, &reading));
    server_publish(server, reading.fresh);
    queue_set_settings(&server->config->queue, &server->config->remote);
    keyring_unref(&server->keyring);
    server->keyring = reading.keyring;
    return core_broadcast(take_over, server);
}

error server_reload(struct server *server, struct buffer *lines)
{
    TRY(mutex_lock(&server->reloading, TIME_NEVER));
    error problem = reload(server, lines);
    mutex_unlock(&server->reloading);
    return problem;
}

/* One setting more, or another value for one that was changed before. Kept for good: overrides live
 * as long as the process. */
static error add_override(struct config_overrides *overrides, struct arena *arena, slice path,
                          slice value)
{
    unsigned i = 0;
    while (i < overrides->count && !slice_equal(overrides->items[i].path, path))
        i++;
    if (i == CONFIG_OVERRIDES_MAX)
        return error_make(ERROR_LIMIT, "too many settings were changed since the start");
    struct config_override change;
    TRY(arena_copy(arena, path, &change.path));
    TRY(arena_copy(arena, value, &change.value));
    overrides->items[i] = change;
    if (i == overrides->count)
        overrides->count++;
    return OK;
}

static error change(struct server *server, struct arena *scratch, slice text, struct buffer *lines)
{
    struct config *running = server->config;
    struct ucl_entry *entries = NULL;
    struct ucl_problem where = {0};
    error problem = ucl_parse(text, scratch, &entries, &where);
    if (failed(problem)) {
        buffer_format(lines, "line %u: %s\n", where.line, problem.text);
        return error_make(ERROR_MALFORMED, problem.text);
    }
    struct config_overrides before = server->overrides;
    for (const struct ucl_entry *entry = entries; entry; entry = entry->next) {
        size_t section;
        const struct setting *row = config_find(entry->path, &section);
        if (row && !(row->flags & SETTING_RELOADABLE)) {
            buffer_format(lines, "%.*s needs a restart\n", SLICE_ARG(entry->path));
            problem = error_make(ERROR_MALFORMED, "a setting that cannot change while running");
        } else if (entry->is_list) {
            buffer_format(lines, "%.*s is a list: change it in the file\n", SLICE_ARG(entry->path));
            problem = error_make(ERROR_MALFORMED, "a list");
        } else if (!failed(problem)) {
            problem =
                add_override(&server->overrides, &running->arena, entry->path, entry->values[0]);
        }
    }
    if (!failed(problem))
        problem = reload(server, lines);
    if (failed(problem))
        server->overrides = before;
    return problem;
}

error server_change(struct server *server, slice text, struct buffer *lines)
{
    struct arena scratch;
    TRY(mutex_lock(&server->reloading, TIME_NEVER));
    arena_init(&scratch, 8 << 20);
    error problem = change(server, &scratch, text, lines);
    arena_close(&scratch);
    mutex_unlock(&server->reloading);
    return problem;
}
