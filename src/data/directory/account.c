/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * From a row of the database to an account.
 */
#include "base/cursor.h"
#include "base/log.h"
#include "data/directory/internal.h"

error directory_account_row(struct directory *directory, slice local, slice domain,
                            enum directory_freshness freshness, struct arena *arena,
                            struct directory_rows *out_rows, instant *out_asked)
{
    return directory_ask(&directory->lookup, DIRECTORY_QUERY_ACCOUNT, local, domain, freshness,
                         arena, out_rows, out_asked);
}

/* NULL, empty, "0" and negative numbers (other programs' "unlimited") mean no limit. */
static error quota_parse(slice value, uint64_t *out_quota)
{
    struct cursor c = cursor_over(slice_trim(value));
    *out_quota = 0;
    if (cursor_done(&c) || cursor_peek(&c) == '-')
        return OK;
    if (!cursor_take_u64(&c, UINT64_MAX, out_quota) || !cursor_done(&c))
        return error_make(ERROR_TEMPORARY, "a quota in the directory is not a number");
    return OK;
}

static uint64_t id_of(slice column, slice address)
{
    struct cursor c = cursor_over(column);
    uint64_t id;
    return cursor_take_u64(&c, UINT64_MAX, &id) && cursor_done(&c) ? id
                                                                   : slice_hash_stable(address);
}

static error make(const struct directory_settings *settings, slice local, slice domain,
                  const struct directory_row *row, struct arena *arena,
                  struct directory_account *account)
{
    slice home = row->columns[DIRECTORY_COLUMN_HOME], maildir;
    TRY(directory_address_join(arena, local, domain, &account->address));
    account->local_part = slice_sub(account->address, 0, local.size);
    account->domain = slice_from(account->address, local.size + 1);
    account->id = id_of(row->columns[DIRECTORY_COLUMN_ID], account->address);
    TRY(quota_parse(row->columns[DIRECTORY_COLUMN_QUOTA], &account->quota_bytes));
    TRY(quota_parse(row->columns[DIRECTORY_COLUMN_QUOTA_MESSAGES], &account->quota_messages));
    if (home.size > 0 && home.data[0] == '/')
        TRY(arena_string(arena, home, &account->home));
    else
        TRY(directory_path_expand(settings->mail_home, local, domain, arena, &account->home));
    TRY(arena_format(arena, &maildir, "%s/Maildir", account->home));
    return arena_string(arena, maildir, &account->maildir);
}

error directory_account_make(const struct directory_settings *settings, slice local, slice domain,
                             const struct directory_row *row, struct arena *arena,
                             struct directory_account *out_account)
{
    struct directory_account account = {0};
    error problem = make(settings, local, domain, row, arena, &account);
    if (problem.kind == ERROR_NONE) {
        *out_account = account;
        return OK;
    }
    if (problem.kind == ERROR_LIMIT)
        return problem;
    struct log_line line = log_begin(LOG_ERROR, "directory.account");
    log_text(&line, "domain", domain);
    log_text(&line, "local", local);
    log_error(&line, problem);
    log_end(&line);
    return error_make(ERROR_TEMPORARY, problem.text);
}

/* WAITS. */
static error account_named(struct directory *directory, slice local, slice domain,
                           struct arena *arena, struct directory_account *out_account)
{
    struct directory_rows rows;
    instant asked;
    TRY(directory_account_row(directory, local, domain, DIRECTORY_CACHED_FINE, arena, &rows,
                              &asked));
    return rows.count == 0 ? error_make(ERROR_NOT_FOUND, "no such account")
                           : directory_account_make(directory->settings, local, domain,
                                                    &rows.rows[0], arena, out_account);
}

error directory_account(struct directory *directory, slice address, struct arena *arena,
                        struct directory_account *out_account)
{
    struct directory_address parsed;
    error problem = directory_address_parse(directory->settings, address, arena, &parsed);
    if (problem.kind == ERROR_MALFORMED)
        return error_make(ERROR_NOT_FOUND, "no such account");
    TRY(problem);
    return account_named(directory, parsed.local, parsed.domain, arena, out_account);
}

error directory_mailbox(struct directory *directory, slice address, struct arena *arena,
                        struct directory_target *out_target)
{
    struct directory_address parsed;
    struct directory_target target = {.extended = address};
    error problem = directory_address_parse(directory->settings, address, arena, &parsed);
    if (problem.kind == ERROR_MALFORMED)
        return error_make(ERROR_NOT_FOUND, "no such account");
    TRY(problem);
    problem = account_named(directory, parsed.local, parsed.domain, arena, &target.account);
    if (problem.kind == ERROR_NOT_FOUND && parsed.detail.data) {
        target.detail = parsed.detail;
        problem = account_named(directory, parsed.base, parsed.domain, arena, &target.account);
    }
    TRY(problem);
    target.address = target.account.address;
    *out_target = target;
    return OK;
}

error directory_password(struct directory *directory, slice address, struct arena *arena,
                         slice *out_hash)
{
    struct directory_address parsed;
    struct directory_rows rows;
    instant asked;
    error problem = directory_address_parse(directory->settings, address, arena, &parsed);
    if (problem.kind == ERROR_MALFORMED)
        return error_make(ERROR_NOT_FOUND, "no such account");
    TRY(problem);
    TRY(directory_account_row(directory, parsed.local, parsed.domain, DIRECTORY_CACHED_FINE, arena,
                              &rows, &asked));
    if (rows.count == 0 || rows.rows[0].columns[DIRECTORY_COLUMN_PASSWORD].size == 0)
        return error_make(ERROR_NOT_FOUND, "no such account, or one without a password");
    *out_hash = rows.rows[0].columns[DIRECTORY_COLUMN_PASSWORD];
    return OK;
}
