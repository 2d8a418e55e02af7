/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "data/directory/edit.h"

#include "base/cursor.h"
#include "data/directory/address.h"
#include "data/directory/edit_backend.h"
#include "format/text/idna.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { SCRATCH_SIZE_MAX = 256 * 1024, NUMBER_SIZE = 24 };

struct directory_edit {
    struct directory_settings settings;
    const struct edit_backend *backend;
    struct edit_database *database;
    struct arena arena;                /* of one call */
    bool has_quota, has_message_quota; /* columns that other stacks' tables may lack */
    bool has_senders;                  /* a table that they may lack */
    char words[EDIT_WORDS_SIZE];
};

static char open_words[EDIT_WORDS_SIZE]; /* of the last failed open: the command opens but once */

/* ---- saying and asking ---- */

__attribute__((format(printf, 4, 5))) static error
say(struct directory_edit *edit, enum error_kind kind, const char *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(edit->words, sizeof edit->words, format, arguments);
    va_end(arguments);
    return error_make(kind, text);
}

static error run(struct directory_edit *edit, const char *sql, const slice *parameters,
                 unsigned count, edit_row_function *row, void *argument, uint64_t *out_changed)
{
    error result =
        edit->backend->run(edit->database, sql, parameters, count, row, argument, out_changed);
    if (result.kind == ERROR_NOT_FOUND)
        return say(edit, ERROR_TEMPORARY, "a table is missing",
                   "%s; `ringmail directory init` makes what is missing",
                   edit->backend->words(edit->database));
    if (result.kind == ERROR_TEMPORARY)
        snprintf(edit->words, sizeof edit->words, "the database says: %s",
                 edit->backend->words(edit->database));
    return result;
}

#define RUN(edit, sql, changed, ...)                                                               \
    run((edit), (sql), (const slice[]){__VA_ARGS__},                                               \
        sizeof((const slice[]){__VA_ARGS__}) / sizeof(slice), NULL, NULL, (changed))

static void begin_call(struct directory_edit *edit)
{
    arena_reset(&edit->arena);
    edit->words[0] = 0;
}

static uint64_t number_of(slice text)
{
    struct cursor c = cursor_over(text);
    uint64_t number = 0;
    return cursor_take_u64(&c, UINT64_MAX, &number) ? number : 0;
}

static slice number_text(uint64_t number, char out[NUMBER_SIZE])
{
    int size = snprintf(out, NUMBER_SIZE, "%llu", (unsigned long long)number);
    return slice_of(out, (size_t)size);
}

/* ---- opening ---- */

static bool probe(struct directory_edit *edit, const char *sql)
{
    return !failed(edit->backend->run(edit->database, sql, NULL, 0, NULL, NULL, NULL));
}

static void probe_columns(struct directory_edit *edit)
{
    edit->has_quota = probe(edit, "SELECT quota FROM virtual_users WHERE 1 = 0");
    edit->has_message_quota = probe(edit, "SELECT quota_messages FROM virtual_users WHERE 1 = 0");
    edit->has_senders = probe(edit, "SELECT login FROM virtual_senders WHERE 1 = 0");
}

error directory_edit_open(const struct directory_settings *settings,
                          struct directory_edit **out_edit)
{
    struct directory_edit *edit = calloc(1, sizeof *edit);
    TRY_MEMORY(edit);
    edit->settings = *settings;
    edit->settings.default_domain = SLICE_EMPTY; /* what is written down names its domain */
    edit->settings.detail_separator = SLICE_EMPTY;
    edit->backend = settings->backend == DIRECTORY_MARIADB ? &edit_mariadb : &edit_sqlite;
    error result = edit->backend->open(settings, open_words, &edit->database);
    if (failed(result)) {
        free(edit);
        return result;
    }
    arena_init(&edit->arena, SCRATCH_SIZE_MAX);
    probe_columns(edit);
    *out_edit = edit;
    return OK;
}

void directory_edit_close(struct directory_edit **edit)
{
    struct directory_edit *e = *edit;
    if (!e)
        return;
    e->backend->close(&e->database);
    arena_close(&e->arena);
    free(e);
    *edit = NULL;
}

const char *directory_edit_words(const struct directory_edit *edit)
{
    return edit ? edit->words : open_words;
}

error directory_edit_begin(struct directory_edit *edit)
{
    begin_call(edit);
    return run(edit,
               edit->settings.backend == DIRECTORY_SQLITE ? "BEGIN IMMEDIATE" : "START TRANSACTION",
               NULL, 0, NULL, NULL, NULL);
}

error directory_edit_commit(struct directory_edit *edit)
{
    begin_call(edit);
    return run(edit, "COMMIT", NULL, 0, NULL, NULL, NULL);
}

error directory_edit_create_tables(struct directory_edit *edit)
{
    begin_call(edit);
    for (int i = 0; edit->backend->schema[i]; i++)
        TRY(run(edit, edit->backend->schema[i], NULL, 0, NULL, NULL, NULL));
    probe_columns(edit);
    return OK;
}

/* ---- finding ---- */

static error canonical_domain(struct directory_edit *edit, slice name, slice *out_domain)
{
    error result = idna_to_ascii(&edit->arena, name, out_domain);
    if (result.kind == ERROR_MALFORMED)
        return say(edit, ERROR_MALFORMED, "not a domain name", "\"%.*s\" is not a domain name",
                   SLICE_ARG(name));
    return result;
}

static error canonical_address(struct directory_edit *edit, slice text,
                               struct directory_address *out_address)
{
    error result = directory_address_parse(&edit->settings, text, &edit->arena, out_address);
    if (result.kind == ERROR_MALFORMED || result.kind == ERROR_NOT_FOUND)
        return say(edit, ERROR_MALFORMED, "not an address",
                   "%.*s is not an address; it should look like user@example.org", SLICE_ARG(text));
    return result;
}

struct first_row {
    struct arena *arena;
    bool found;
    slice value;
};

static error keep_first(void *argument, const slice *columns, unsigned count)
{
    struct first_row *first = argument;
    if (first->found || count == 0)
        return OK;
    first->found = true;
    return arena_copy(first->arena, columns[0], &first->value);
}

/* The first column of the first row. */
static error find(struct directory_edit *edit, const char *sql, slice key, bool *out_found,
                  slice *out_value)
{
    struct first_row first = {.arena = &edit->arena};
    TRY(run(edit, sql, &key, 1, keep_first, &first, NULL));
    *out_found = first.found;
    if (first.found)
        *out_value = first.value;
    return OK;
}

/* Under the name as we write it or as another program may have. */
static error domain_find(struct directory_edit *edit, slice domain, bool *out_found, slice *out_id)
{
    static const char sql[] = "SELECT id FROM virtual_domains WHERE name = ?";
    TRY(find(edit, sql, domain, out_found, out_id));
    if (*out_found || slice_find(domain, SLICE("xn--")) < 0)
        return OK;
    slice unicode;
    TRY(idna_to_unicode(&edit->arena, domain, &unicode));
    return find(edit, sql, unicode, out_found, out_id);
}

static error domain_need(struct directory_edit *edit, slice domain, slice *out_id)
{
    bool found;
    TRY(domain_find(edit, domain, &found, out_id));
    if (!found)
        return say(edit, ERROR_NOT_FOUND, "no such domain",
                   "the domain %.*s is not here; add it first: ringmail domain add %.*s",
                   SLICE_ARG(domain), SLICE_ARG(domain));
    return OK;
}

static error user_need(struct directory_edit *edit, slice text, slice *out_id)
{
    struct directory_address address;
    bool found;
    TRY(canonical_address(edit, text, &address));
    TRY(find(edit, "SELECT id FROM virtual_users WHERE email = ?", address.whole, &found, out_id));
    if (!found)
        return say(edit, ERROR_NOT_FOUND, "no such user",
                   "there is no user %.*s; `ringmail user list` shows who there is",
                   SLICE_ARG(address.whole));
    return OK;
}

/* ---- domains ---- */

error directory_edit_domain_add(struct directory_edit *edit, slice name)
{
    slice domain, id;
    bool found;
    begin_call(edit);
    TRY(canonical_domain(edit, name, &domain));
    TRY(domain_find(edit, domain, &found, &id));
    error result = found ? error_make(ERROR_EXISTS, "domain exists")
                         : RUN(edit, "INSERT INTO virtual_domains (name) VALUES (?)", NULL, domain);
    if (result.kind == ERROR_EXISTS)
        return say(edit, ERROR_EXISTS, "domain exists", "the domain %.*s is here already",
                   SLICE_ARG(domain));
    return result;
}

error directory_edit_domain_remove(struct directory_edit *edit, slice name, bool with_content)
{
    slice domain, id, users = SLICE_EMPTY, aliases = SLICE_EMPTY;
    bool found;
    begin_call(edit);
    TRY(canonical_domain(edit, name, &domain));
    TRY(domain_need(edit, domain, &id));
    TRY(find(edit, "SELECT count(*) FROM virtual_users WHERE domain_id = ?", id, &found, &users));
    TRY(find(edit, "SELECT count(*) FROM virtual_aliases WHERE domain_id = ?", id, &found,
             &aliases));
    if (!with_content && (number_of(users) || number_of(aliases)))
        return say(edit, ERROR_DENIED, "domain in use",
                   "%.*s has %.*s user%s and %.*s alias%s; --force removes them too (their mail "
                   "stays on disk)",
                   SLICE_ARG(domain), SLICE_ARG(users), number_of(users) == 1 ? "" : "s",
                   SLICE_ARG(aliases), number_of(aliases) == 1 ? "" : "es");
    if (edit->has_senders)
        TRY(RUN(edit,
                "DELETE FROM virtual_senders WHERE login IN"
                " (SELECT email FROM virtual_users WHERE domain_id = ?)",
                NULL, id));
    TRY(RUN(edit, "DELETE FROM virtual_users WHERE domain_id = ?", NULL, id));
    TRY(RUN(edit, "DELETE FROM virtual_aliases WHERE domain_id = ?", NULL, id));
    return RUN(edit, "DELETE FROM virtual_domains WHERE id = ?", NULL, id);
}

/* ---- users ---- */

static error need_quota_columns(struct directory_edit *edit, bool bytes, bool messages)
{
    const char *missing = bytes && !edit->has_quota              ? "quota"
                          : messages && !edit->has_message_quota ? "quota_messages"
                                                                 : NULL;
    if (!missing)
        return OK;
    return say(edit, ERROR_DENIED, "no such quota in this database",
               "virtual_users has no column for it; add one: ALTER TABLE virtual_users ADD COLUMN "
               "%s BIGINT NOT NULL DEFAULT 0",
               missing);
}

static error user_is_there(struct directory_edit *edit, const struct directory_address *address)
{
    return say(edit, ERROR_EXISTS, "user exists",
               "the user %.*s is here already; to change the password: ringmail user password "
               "%.*s",
               SLICE_ARG(address->whole), SLICE_ARG(address->whole));
}

error directory_edit_user_may_add(struct directory_edit *edit, slice text)
{
    struct directory_address address;
    slice id;
    bool found;
    begin_call(edit);
    TRY(canonical_address(edit, text, &address));
    TRY(domain_need(edit, address.domain, &id));
    TRY(find(edit, "SELECT id FROM virtual_users WHERE email = ?", address.whole, &found, &id));
    return found ? user_is_there(edit, &address) : OK;
}

error directory_edit_user_exists(struct directory_edit *edit, slice text)
{
    slice id;
    begin_call(edit);
    return user_need(edit, text, &id);
}

error directory_edit_user_add(struct directory_edit *edit, const struct directory_edit_user *user)
{
    struct directory_address address;
    slice domain_id;
    char bytes[NUMBER_SIZE], messages[NUMBER_SIZE];
    begin_call(edit);
    TRY(need_quota_columns(edit, user->quota_bytes, user->quota_messages));
    TRY(canonical_address(edit, user->address, &address));
    TRY(domain_need(edit, address.domain, &domain_id));
    error result;
    if (edit->has_message_quota)
        result =
            RUN(edit,
                "INSERT INTO virtual_users (domain_id, email, password, quota, quota_messages)"
                " VALUES (?, ?, ?, ?, ?)",
                NULL, domain_id, address.whole, user->hash, number_text(user->quota_bytes, bytes),
                number_text(user->quota_messages, messages));
    else if (user->quota_bytes)
        result =
            RUN(edit,
                "INSERT INTO virtual_users (domain_id, email, password, quota)"
                " VALUES (?, ?, ?, ?)",
                NULL, domain_id, address.whole, user->hash, number_text(user->quota_bytes, bytes));
    else
        result =
            RUN(edit, "INSERT INTO virtual_users (domain_id, email, password) VALUES (?, ?, ?)",
                NULL, domain_id, address.whole, user->hash);
    if (result.kind == ERROR_EXISTS)
        return user_is_there(edit, &address);
    return result;
}

error directory_edit_user_remove(struct directory_edit *edit, slice address)
{
    slice id;
    begin_call(edit);
    TRY(user_need(edit, address, &id));
    /* Whoever gets the address next shall not write as others. */
    if (edit->has_senders)
        TRY(RUN(edit,
                "DELETE FROM virtual_senders WHERE login ="
                " (SELECT email FROM virtual_users WHERE id = ?)",
                NULL, id));
    return RUN(edit, "DELETE FROM virtual_users WHERE id = ?", NULL, id);
}

error directory_edit_user_password(struct directory_edit *edit, slice address, slice hash)
{
    slice id;
    begin_call(edit);
    TRY(user_need(edit, address, &id));
    return RUN(edit, "UPDATE virtual_users SET password = ? WHERE id = ?", NULL, hash, id);
}

error directory_edit_user_quota(struct directory_edit *edit, slice address, const uint64_t *bytes,
                                const uint64_t *messages)
{
    slice id;
    char text[NUMBER_SIZE];
    begin_call(edit);
    TRY(user_need(edit, address, &id));
    TRY(need_quota_columns(edit, bytes, messages));
    if (bytes)
        TRY(RUN(edit, "UPDATE virtual_users SET quota = ? WHERE id = ?", NULL,
                number_text(*bytes, text), id));
    if (messages)
        TRY(RUN(edit, "UPDATE virtual_users SET quota_messages = ? WHERE id = ?", NULL,
                number_text(*messages, text), id));
    return OK;
}

/* ---- aliases ---- */

/* "@domain" or an address; both canonical. */
static error canonical_source(struct directory_edit *edit, slice source, slice *out_source,
                              slice *out_domain)
{
    struct directory_address address;
    if (slice_starts(source, SLICE("@"))) {
        TRY(canonical_domain(edit, slice_from(source, 1), out_domain));
        return arena_format(&edit->arena, out_source, "@%.*s", SLICE_ARG(*out_domain));
    }
    TRY(canonical_address(edit, source, &address));
    *out_source = address.whole;
    *out_domain = address.domain;
    return OK;
}

/* Checked, but kept as it is written: the local part of an outside address is not ours to fold. */
static error check_destination(struct directory_edit *edit, slice destination)
{
    slice ignored, domain;
    if (slice_find_byte(destination, ',') >= 0)
        return say(edit, ERROR_MALFORMED, "several destinations",
                   "one destination at a time, without commas");
    return canonical_source(edit, destination, &ignored, &domain);
}

static error alias_find(struct directory_edit *edit, slice source, slice destination,
                        uint64_t *out_count)
{
    struct first_row first = {.arena = &edit->arena};
    slice parameters[] = {source, destination};
    TRY(run(edit,
            destination.size ? "SELECT count(*) FROM virtual_aliases WHERE source = ? AND "
                               "destination = ?"
                             : "SELECT count(*) FROM virtual_aliases WHERE source = ?",
            parameters, destination.size ? 2 : 1, keep_first, &first, NULL));
    *out_count = number_of(first.value);
    return OK;
}

error directory_edit_alias_add(struct directory_edit *edit, slice source, slice destination)
{
    slice canonical, domain, domain_id;
    uint64_t count;
    begin_call(edit);
    TRY(canonical_source(edit, source, &canonical, &domain));
    TRY(check_destination(edit, destination));
    TRY(domain_need(edit, domain, &domain_id));
    TRY(alias_find(edit, canonical, destination, &count));
    error result =
        count ? error_make(ERROR_EXISTS, "alias exists")
              : RUN(edit,
                    "INSERT INTO virtual_aliases (domain_id, source, destination) VALUES (?, ?, ?)",
                    NULL, domain_id, canonical, destination);
    if (result.kind == ERROR_EXISTS)
        return say(edit, ERROR_EXISTS, "alias exists", "%.*s already leads to %.*s",
                   SLICE_ARG(canonical), SLICE_ARG(destination));
    return result;
}

error directory_edit_alias_remove(struct directory_edit *edit, slice source, slice destination)
{
    slice canonical, domain;
    uint64_t count;
    begin_call(edit);
    TRY(canonical_source(edit, source, &canonical, &domain));
    TRY(alias_find(edit, canonical, destination, &count));
    if (count == 0)
        return say(edit, ERROR_NOT_FOUND, "no such alias",
                   "there is no such alias of %.*s; `ringmail alias list` shows what there is",
                   SLICE_ARG(canonical));
    if (destination.size)
        return RUN(edit, "DELETE FROM virtual_aliases WHERE source = ? AND destination = ?", NULL,
                   canonical, destination);
    return RUN(edit, "DELETE FROM virtual_aliases WHERE source = ?", NULL, canonical);
}

/* ---- senders ---- */

static error sender_count(struct directory_edit *edit, slice login, slice sender,
                          uint64_t *out_count)
{
    struct first_row first = {.arena = &edit->arena};
    slice parameters[] = {login, sender};
    TRY(run(edit,
            sender.size ? "SELECT count(*) FROM virtual_senders WHERE login = ? AND sender = ?"
                        : "SELECT count(*) FROM virtual_senders WHERE login = ?",
            parameters, sender.size ? 2 : 1, keep_first, &first, NULL));
    *out_count = number_of(first.value);
    return OK;
}

error directory_edit_sender_add(struct directory_edit *edit, slice account, slice sender)
{
    struct directory_address login;
    slice id, canonical, domain;
    uint64_t count;
    begin_call(edit);
    TRY(user_need(edit, account, &id));
    TRY(canonical_address(edit, account, &login));
    TRY(canonical_source(edit, sender, &canonical, &domain));
    TRY(sender_count(edit, login.whole, canonical, &count));
    if (count)
        return say(edit, ERROR_EXISTS, "sender exists", "%.*s may write as %.*s already",
                   SLICE_ARG(login.whole), SLICE_ARG(canonical));
    return RUN(edit, "INSERT INTO virtual_senders (login, sender) VALUES (?, ?)", NULL, login.whole,
               canonical);
}

error directory_edit_sender_remove(struct directory_edit *edit, slice account, slice sender)
{
    struct directory_address login;
    slice canonical = SLICE_EMPTY, domain;
    uint64_t count;
    begin_call(edit);
    TRY(canonical_address(edit, account, &login));
    if (sender.size)
        TRY(canonical_source(edit, sender, &canonical, &domain));
    TRY(sender_count(edit, login.whole, canonical, &count));
    if (count == 0)
        return say(edit, ERROR_NOT_FOUND, "no such sender",
                   "nothing of that kind was granted to %.*s; `ringmail sender list` shows what is",
                   SLICE_ARG(login.whole));
    if (canonical.size)
        return RUN(edit, "DELETE FROM virtual_senders WHERE login = ? AND sender = ?", NULL,
                   login.whole, canonical);
    return RUN(edit, "DELETE FROM virtual_senders WHERE login = ?", NULL, login.whole);
}

/* ---- lists ---- */

struct visit {
    enum directory_edit_list list;
    slice domain; /* senders: only those of accounts there; empty: all */
    directory_edit_visit *visit;
    void *argument;
};

/* "{SCHEME}", or "$id$" of a hash that names itself. */
static slice scheme_of(slice hash)
{
    ptrdiff_t end = slice_starts(hash, SLICE("{")) ? slice_find_byte(hash, '}') : -1;
    if (end > 0)
        return slice_sub(hash, 0, (size_t)end + 1);
    end = slice_starts(hash, SLICE("$")) ? slice_find_byte(slice_from(hash, 1), '$') : -1;
    return end > 0 ? slice_sub(hash, 0, (size_t)end + 2) : SLICE_EMPTY;
}

static bool is_of_domain(slice address, slice domain)
{
    slice local, own;
    slice_cut_last(address, '@', &local, &own);
    return domain.size == 0 || slice_equal_nocase(own, domain);
}

static error visit_row(void *argument, const slice *columns, unsigned count)
{
    const struct visit *v = argument;
    struct directory_edit_row row = {.name = columns[0]};
    if (count < 2)
        return error_make(ERROR_BUG, "a list with one column");
    switch (v->list) {
    case DIRECTORY_EDIT_DOMAINS:
        row.users = number_of(columns[1]);
        row.aliases = number_of(columns[2]);
        break;
    case DIRECTORY_EDIT_USERS:
        row.scheme = scheme_of(columns[1]);
        row.quota_bytes = number_of(columns[2]);
        row.quota_messages = number_of(columns[3]);
        break;
    case DIRECTORY_EDIT_SENDERS:
        if (!is_of_domain(columns[0], v->domain))
            return OK;
        row.destination = columns[1];
        break;
    case DIRECTORY_EDIT_ALIASES:
        row.destination = columns[1];
        break;
    }
    return v->visit(v->argument, &row);
}

static const char *users_sql(const struct directory_edit *edit, bool of_domain)
{
#define USERS(columns)                                                                             \
    (of_domain ? "SELECT email, password, " columns " FROM virtual_users WHERE domain_id = ? "     \
                 "ORDER BY email"                                                                  \
               : "SELECT email, password, " columns " FROM virtual_users ORDER BY email")
    if (!edit->has_quota)
        return USERS("0, 0");
    return edit->has_message_quota ? USERS("quota, quota_messages") : USERS("quota, 0");
#undef USERS
}

error directory_edit_list(struct directory_edit *edit, enum directory_edit_list list, slice domain,
                          directory_edit_visit *visit, void *argument)
{
    struct visit v = {list, SLICE_EMPTY, visit, argument};
    slice id = SLICE_EMPTY;
    begin_call(edit);
    if (domain.size > 0) {
        slice canonical;
        TRY(canonical_domain(edit, domain, &canonical));
        TRY(domain_need(edit, canonical, &id));
        v.domain = canonical;
    }
    const char *sql = NULL;
    switch (list) {
    case DIRECTORY_EDIT_DOMAINS:
        sql = "SELECT name, (SELECT count(*) FROM virtual_users WHERE domain_id = d.id), (SELECT"
              " count(*) FROM virtual_aliases WHERE domain_id = d.id) FROM virtual_domains d"
              " ORDER BY name";
        id = SLICE_EMPTY;
        break;
    case DIRECTORY_EDIT_USERS:
        sql = users_sql(edit, id.size > 0);
        break;
    case DIRECTORY_EDIT_ALIASES:
        sql = id.size ? "SELECT source, destination FROM virtual_aliases WHERE domain_id = ?"
                        " ORDER BY source, destination"
                      : "SELECT source, destination FROM virtual_aliases ORDER BY source,"
                        " destination";
        break;
    case DIRECTORY_EDIT_SENDERS:
        sql = "SELECT login, sender FROM virtual_senders ORDER BY login, sender";
        id = SLICE_EMPTY;
        break;
    }
    return run(edit, sql, &id, id.size ? 1 : 0, visit_row, &v, NULL);
}
