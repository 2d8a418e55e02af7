/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Following aliases to the end. The names still to be looked at form a list, not a recursion, so
 * that a deep or wide alias costs memory of the scratch arena and no stack. Each remembers the
 * alias that led to it; an alias that already led here is not followed again: that is how an alias
 * names its own account ("keep a copy"), and how a circle ends.
 */
#include "base/log.h"
#include "base/metric.h"
#include "data/directory/internal.h"
#include "format/text/idna.h"

METRIC_COUNTER(resolve_loops, "ringmail_directory_alias_loops_total", "",
               "Addresses whose aliases lead in a circle or too far");
METRIC_COUNTER(resolve_dangling, "ringmail_directory_alias_dangling_total", "",
               "Alias targets in our own domains that do not exist");

enum { SCRATCH_SIZE_MAX = 8 << 20 };

struct name {
    struct name *next;         /* in the list of names to look at */
    const struct name *parent; /* whose alias named it */
    slice via;                 /* key of the parent's alias; empty for the address asked */
    slice written;             /* as the alias has it */
    slice detail;              /* inherited from the parent where an alias named none */
    bool catch_all;            /* one address for a whole domain led here */
    unsigned depth;
    struct directory_address address;
};

struct found {
    struct found *next;
    struct directory_target target;
};

struct resolve {
    struct directory *directory;
    struct arena *arena;   /* the caller's: targets */
    struct arena *scratch; /* names and rows */
    struct name *first, **last;
    struct map seen;    /* names, by canonical address (and detail) */
    struct map targets; /* the same for targets */
    struct found *found, **found_last;
    unsigned count;
    unsigned steps; /* alias look-ups */
    bool exhausted; /* there were too many: what is left was not looked at */
    bool aliased, looped;
};

static bool came_through(const struct name *name, slice alias)
{
    for (; name && name->via.data; name = name->parent)
        if (slice_equal(name->via, alias))
            return true;
    return false;
}

static error key_of(struct resolve *r, slice address, slice detail, slice *out_key)
{
    if (!detail.data)
        *out_key = address;
    else
        TRY(arena_format(r->scratch, out_key, "%.*s\n%.*s", SLICE_ARG(address), SLICE_ARG(detail)));
    return OK;
}

static error target_add(struct resolve *r, const struct directory_target *target)
{
    slice key;
    TRY(key_of(r, target->address, target->detail, &key));
    if (map_get(&r->targets, key))
        return OK;
    if (r->count == DIRECTORY_TARGETS_MAX) {
        r->looped = true;
        return OK;
    }
    struct found *found = ARENA_NEW(r->scratch, struct found);
    TRY_MEMORY(found);
    found->target = *target;
    *r->found_last = found;
    r->found_last = &found->next;
    r->count++;
    return map_put(&r->targets, key, found);
}

/* A catch-all takes all there is of a name: its detail says nothing to whoever it leads to. */
static bool is_of_catch_all(const struct name *name)
{
    for (; name->parent && name->detail.data; name = name->parent)
        if (name->catch_all)
            return true;
    return false;
}

static error target_add_outside(struct resolve *r, const struct name *name)
{
    struct directory_target target = {.outside = true};
    slice detail = is_of_catch_all(name) ? SLICE_EMPTY : name->detail;
    TRY(directory_address_extend(r->directory->settings, name->written, detail, r->scratch,
                                 &target.address));
    TRY(arena_copy(r->arena, target.address, &target.address));
    return target_add(r, &target);
}

static error target_add_account(struct resolve *r, const struct name *name, slice local,
                                slice detail, const struct directory_row *row)
{
    struct directory_target target = {0};
    TRY(directory_account_make(r->directory->settings, local, name->address.domain, row, r->arena,
                               &target.account));
    target.address = target.account.address;
    target.extended = target.address;
    if (detail.data) {
        TRY(arena_copy(r->arena, detail, &target.detail));
        TRY(directory_address_extend(r->directory->settings, target.address, target.detail,
                                     r->arena, &target.extended));
    }
    return target_add(r, &target);
}

/* One destination of an alias: "user@domain", or "@domain" for the same user there. */
static error destination_add(struct resolve *r, const struct name *from, slice via, slice written,
                             slice detail)
{
    struct name *name = ARENA_NEW(r->scratch, struct name);
    TRY_MEMORY(name);
    *name = (struct name){.parent = from,
                          .via = via,
                          .written = written,
                          .detail = detail,
                          .catch_all = via.data[0] == '@' && written.data[0] != '@',
                          .depth = from->depth + 1};
    if (written.data[0] == '@')
        TRY(arena_format(r->scratch, &name->written, "%.*s%.*s", SLICE_ARG(from->address.base),
                         SLICE_ARG(written)));
    *r->last = name;
    r->last = &name->next;
    return OK;
}

static error destinations_add(struct resolve *r, const struct name *from, slice via, slice list,
                              slice detail)
{
    bool more = true;
    while (more) {
        slice one;
        more = slice_cut(list, ',', &one, &list);
        one = slice_trim(one);
        if (one.size > 0)
            TRY(destination_add(r, from, via, one, detail));
    }
    return OK;
}

/* WAITS. Follows the alias of local@domain, if there is one and it did not lead here already. */
static error follow_alias(struct resolve *r, const struct name *name, slice local, slice detail,
                          bool *out_followed, bool *out_circle)
{
    struct directory_rows rows;
    instant asked;
    slice domain = name->address.domain, via;
    TRY(directory_address_join(r->scratch, local, domain, &via));
    if (came_through(name, via)) {
        *out_circle = true;
        return OK;
    }
    r->steps++;
    TRY(directory_ask(&r->directory->lookup, DIRECTORY_QUERY_ALIAS, local, domain,
                      DIRECTORY_CACHED_FINE, r->scratch, &rows, &asked));
    r->looped |= rows.truncated;
    for (unsigned i = 0; i < rows.count; i++) {
        slice destination = rows.rows[i].columns[DIRECTORY_COLUMN_DESTINATION];
        if (destination.size > 0)
            TRY(destinations_add(r, name, via, destination, detail));
        *out_followed |= destination.size > 0;
    }
    r->aliased |= *out_followed;
    return OK;
}

/* WAITS. */
static error deliver_to_account(struct resolve *r, const struct name *name, slice local,
                                slice detail, bool *out_found)
{
    struct directory_rows rows;
    instant asked;
    TRY(directory_account_row(r->directory, local, name->address.domain, DIRECTORY_CACHED_FINE,
                              r->scratch, &rows, &asked));
    *out_found = rows.count > 0;
    return rows.count ? target_add_account(r, name, local, detail, &rows.rows[0]) : OK;
}

static void log_dangling(struct resolve *r, const struct name *name, bool circle)
{
    metric_add(circle ? &resolve_loops : &resolve_dangling, 1);
    struct log_line line = log_begin(LOG_WARNING, "directory.alias");
    log_text(&line, "alias", name->via);
    log_text(&line, "target", name->written);
    log_string(&line, "problem", circle ? "alias loop" : "no such user");
    log_end(&line);
    r->looped |= circle;
}

/* WAITS. A name in one of our domains: the whole local part first, then without its detail, then
 * the catch-all. */
static error look_at_local(struct resolve *r, const struct name *name)
{
    const struct directory_address *a = &name->address;
    bool done = false, circle = false, has_detail = a->detail.data;
    TRY(follow_alias(r, name, a->local, name->detail, &done, &circle));
    if (!done)
        TRY(deliver_to_account(r, name, a->local, name->detail, &done));
    if (!done && has_detail)
        TRY(follow_alias(r, name, a->base, a->detail, &done, &circle));
    if (!done && has_detail)
        TRY(deliver_to_account(r, name, a->base, a->detail, &done));
    if (!done && !circle)
        TRY(follow_alias(r, name, SLICE_EMPTY, has_detail ? a->detail : name->detail, &done,
                         &circle));
    if (!done && name->parent)
        log_dangling(r, name, circle);
    return OK;
}

/* Was this very name (with this detail) looked at before, by another way? */
static error was_seen(struct resolve *r, const struct name *name, bool *out_seen)
{
    slice key;
    *out_seen = false;
    if (came_through(name, name->address.whole) || came_through(name, name->address.base_address))
        return OK; /* an alias naming itself: the account is meant */
    TRY(key_of(r, name->address.whole, name->detail, &key));
    *out_seen = map_get(&r->seen, key) != NULL;
    return *out_seen ? OK : map_put(&r->seen, key, (void *)(uintptr_t)name);
}

/* WAITS. A name that an alias led to. */
static error look_at_target(struct resolve *r, struct name *name)
{
    bool ours = false, seen;
    if (r->steps > DIRECTORY_ALIAS_STEPS_MAX) {
        if (!r->exhausted) /* thousands of others are as much to blame: one line for all */
            log_dangling(r, name, true);
        r->exhausted = true;
        return OK;
    }
    if (name->depth > r->directory->settings->alias_depth_max) {
        log_dangling(r, name, true);
        return OK;
    }
    error problem =
        directory_address_parse(r->directory->settings, name->written, r->scratch, &name->address);
    if (problem.kind == ERROR_MALFORMED) {
        log_dangling(r, name, false);
        return OK;
    }
    if (problem.kind != ERROR_NOT_FOUND)
        TRY(problem);
    TRY(directory_domain(r->directory, name->address.domain, &ours));
    if (!ours)
        return target_add_outside(r, name);
    if (problem.kind == ERROR_NOT_FOUND) {
        log_dangling(r, name, false);
        return OK;
    }
    TRY(was_seen(r, name, &seen));
    return seen ? OK : look_at_local(r, name);
}

static error finish(struct resolve *r, struct directory_resolution *out)
{
    struct directory_resolution resolution = {.aliased = r->aliased, .count = r->count};
    resolution.answer = r->count    ? DIRECTORY_FOUND
                        : r->looped ? DIRECTORY_ALIAS_LOOP
                                    : DIRECTORY_NO_SUCH_USER;
    if (r->count) {
        resolution.targets = ARENA_ARRAY(r->arena, struct directory_target, r->count);
        TRY_MEMORY(resolution.targets);
        unsigned i = 0;
        for (const struct found *found = r->found; found; found = found->next)
            resolution.targets[i++] = found->target;
    }
    *out = resolution;
    return OK;
}

static error resolve(struct resolve *r, slice address, struct directory_resolution *out)
{
    const struct directory_settings *settings = r->directory->settings;
    struct name asked = {.written = address};
    bool ours = false, seen;
    error problem = directory_address_parse(settings, address, r->scratch, &asked.address);
    if (problem.kind == ERROR_NONE || problem.kind == ERROR_NOT_FOUND)
        TRY(directory_domain(r->directory, asked.address.domain, &ours));
    else if (problem.kind != ERROR_MALFORMED)
        return problem;
    if (!ours || failed(problem)) {
        *out = (struct directory_resolution){.answer = ours ? DIRECTORY_NO_SUCH_USER
                                                            : DIRECTORY_NOT_OURS};
        return OK;
    }
    r->last = &r->first;
    r->found_last = &r->found;
    TRY(was_seen(r, &asked, &seen));
    TRY(look_at_local(r, &asked));
    for (struct name *name = r->first; name; name = name->next)
        TRY(look_at_target(r, name));
    return finish(r, out);
}

error directory_resolve(struct directory *directory, slice address, struct arena *arena,
                        struct directory_resolution *out_resolution)
{
    struct arena scratch;
    arena_init(&scratch, SCRATCH_SIZE_MAX);
    struct resolve r = {.directory = directory, .arena = arena, .scratch = &scratch};
    map_init(&r.seen);
    map_init(&r.targets);
    error result = resolve(&r, address, out_resolution);
    map_close(&r.seen);
    map_close(&r.targets);
    arena_close(&scratch);
    return result;
}

error directory_domain(struct directory *directory, slice domain, bool *out_ours)
{
    struct arena scratch;
    struct directory_rows rows = {0};
    instant asked;
    slice ascii;
    arena_init(&scratch, DIRECTORY_ANSWER_SIZE_MAX);
    error result = idna_to_ascii(&scratch, domain, &ascii);
    bool possible = result.kind != ERROR_MALFORMED; /* [192.0.2.1] and nonsense are not ours */
    if (result.kind == ERROR_NONE)
        result = directory_ask(&directory->lookup, DIRECTORY_QUERY_DOMAIN, SLICE_EMPTY, ascii,
                               DIRECTORY_CACHED_FINE, &scratch, &rows, &asked);
    arena_close(&scratch);
    if (possible)
        TRY(result);
    *out_ours = possible && rows.count > 0;
    return OK;
}

error directory_transport(struct directory *directory, slice domain, struct arena *arena,
                          slice *out_transport)
{
    struct directory_rows rows = {0};
    instant asked;
    if (directory->settings->transport_query.size == 0 || domain.size > DIRECTORY_ADDRESS_SIZE_MAX)
        return error_make(ERROR_NOT_FOUND, "no transport");
    TRY(directory_ask(&directory->lookup, DIRECTORY_QUERY_TRANSPORT, SLICE_EMPTY, domain,
                      DIRECTORY_CACHED_FINE, arena, &rows, &asked));
    if (rows.count == 0 || rows.rows[0].columns[DIRECTORY_COLUMN_TRANSPORT].size == 0)
        return error_make(ERROR_NOT_FOUND, "no transport");
    *out_transport = rows.rows[0].columns[DIRECTORY_COLUMN_TRANSPORT];
    return OK;
}
