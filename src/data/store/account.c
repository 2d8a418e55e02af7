/* SPDX-License-Identifier: GPL-3.0-or-later
 * Accounts opened, kept and let go, and what they hold. */
#include "data/store/account.h"

#include "base/assert.h"
#include "base/metric.h"
#include "data/store/state.h"
#include "runtime/file.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

METRIC_GAUGE(accounts_open, "ringmail_store_accounts_open", "", "Accounts in memory");

struct account *account_peek(slice id)
{
    return map_get(&store_here.accounts, id);
}

static error account_new(const struct store_account_key *key, struct account **out_account)
{
    struct account *account = calloc(1, sizeof *account);
    TRY_MEMORY(account);
    account->id = strndup(key->id.data, key->id.size);
    account->path = strndup(key->path.data, key->path.size);
    error problem = OK;
    if (!account->id || !account->path)
        problem = error_make(ERROR_LIMIT, "out of memory for this task");
    account->key = slice_of(account->id, key->id.size);
    if (!failed(problem))
        problem = map_put(&store_here.accounts, account->key, account);
    if (failed(problem)) {
        free(account->id);
        free(account->path);
        free(account);
        return problem;
    }
    list_init(&account->idle);
    list_init(&account->mailboxes);
    account->references = 1;
    metric_add(&accounts_open, 1);
    *out_account = account;
    return OK;
}

static error check_key(const struct store_account_key *key)
{
    if (key->id.size == 0 || key->id.size > STORE_ACCOUNT_ID_SIZE_MAX ||
        memchr(key->id.data, 0, key->id.size))
        return error_make(ERROR_MALFORMED, "not an account id");
    if (key->path.size < 2 || key->path.size > STORE_PATH_SIZE_MAX - 2 ||
        key->path.data[0] != '/' || memchr(key->path.data, 0, key->path.size) ||
        slice_find(key->path, SLICE("/../")) >= 0 || slice_ends(key->path, SLICE("/..")))
        return error_make(ERROR_MALFORMED, "not the path of a Maildir");
    return OK;
}

error account_open(const struct store_account_key *key, bool create, struct account **out_account)
{
    if (!store_here.open)
        return error_make(ERROR_TEMPORARY, "the store is not open");
    TRY(check_key(key));
    ASSERT(store_home_core(key->id) == core_self());
    struct account *account = account_peek(key->id);
    if (account) {
        account_ref(account);
    } else {
        TRY(account_new(key, &account));
        if (!create && access(account->path, F_OK) != 0) {
            error problem = error_system(errno, "no Maildir");
            account_close(&account);
            return problem;
        }
    }
    account->quota_bytes = key->quota_bytes;
    account->quota_messages = key->quota_messages;
    *out_account = account;
    return OK;
}

struct account *account_ref(struct account *account)
{
    if (account->references++ == 0 && !list_is_empty(&account->idle)) {
        list_remove(&account->idle);
        store_here.idle_account_count--;
    }
    return account;
}

void account_drop(struct account *account)
{
    ASSERT(account->references == 0 && list_is_empty(&account->mailboxes));
    if (!list_is_empty(&account->idle)) {
        list_remove(&account->idle);
        store_here.idle_account_count--;
    }
    map_remove(&store_here.accounts, account->key);
    free(account->id);
    free(account->path);
    free(account);
    metric_add(&accounts_open, -1);
}

void account_close(struct account **closed)
{
    struct account *account = *closed;
    *closed = NULL;
    if (!account)
        return;
    ASSERT(account->references > 0);
    if (--account->references > 0)
        return;
    list_append(&store_here.idle_accounts, &account->idle);
    store_here.idle_account_count++;
    if (store_here.idle_account_count > store_shared.settings.accounts_open)
        account_drop(LIST_FIRST(&store_here.idle_accounts, struct account, idle));
}

slice account_id(const struct account *account)
{
    return account->key;
}

/* Quota. */

void account_usage_add(struct account *account, int64_t bytes, int64_t messages)
{
    if (!account->usage_known)
        return;
    account->bytes += (uint64_t)bytes;
    account->messages += (uint64_t)messages;
}

/* All mailboxes are held open until they are added up in one go, so that nothing is counted twice
 * or not at all. */
static error count_usage(struct account *account)
{
    struct arena arena;
    arena_init(&arena, 4 << 20);
    const struct mailbox_entry *entries;
    size_t count = 0, opened = 0;
    error problem = account_list(account, &arena, &entries, &count);
    struct mailbox **mailboxes =
        failed(problem) ? NULL : ARENA_ARRAY(&arena, struct mailbox *, count);
    if (!failed(problem) && !mailboxes && count > 0)
        problem = error_make(ERROR_LIMIT, "too many mailboxes");
    for (size_t i = 0; i < count && !failed(problem); i++) {
        if (entries[i].attributes & (MAILBOX_NONEXISTENT | MAILBOX_NOSELECT))
            continue;
        problem = mailbox_open_or_create(account, entries[i].name, false, &mailboxes[opened]);
        if (problem.kind == ERROR_NOT_FOUND)
            problem = OK;
        else if (!failed(problem))
            opened++;
    }
    if (!failed(problem)) {
        account->bytes = account->messages = 0;
        for (size_t i = 0; i < opened; i++) {
            if (mailboxes[i]->gone)
                continue;
            account->bytes += mailboxes[i]->index.header.bytes;
            account->messages += mailboxes[i]->index.header.messages;
        }
        account->usage_known = true;
    }
    for (size_t i = 0; i < opened; i++)
        mailbox_close(&mailboxes[i]);
    arena_close(&arena);
    return problem;
}

error account_usage(struct account *account, struct account_usage *out_usage)
{
    if (!account->usage_known)
        TRY(count_usage(account));
    *out_usage = (struct account_usage){account->bytes, account->messages, account->quota_bytes,
                                        account->quota_messages};
    return OK;
}

error account_check_quota(struct account *account, uint64_t bytes, uint64_t messages)
{
    if (account->quota_bytes == 0 && account->quota_messages == 0)
        return OK;
    struct account_usage usage;
    TRY(account_usage(account, &usage));
    if ((usage.bytes_max &&
         (usage.bytes > usage.bytes_max || bytes > usage.bytes_max - usage.bytes)) ||
        (usage.messages_max &&
         (usage.messages > usage.messages_max || messages > usage.messages_max - usage.messages)))
        return error_make(ERROR_LIMIT, "over quota");
    return OK;
}
