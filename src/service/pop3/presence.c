/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/pop3/presence.h"

#include "runtime/core.h"
#include "service/pop3/limits.h"

#include <stdlib.h>

enum { BUCKETS = 1024 };

struct last_login {
    uint64_t account; /* hash */
    instant at;
};

/* Made at a core's first login and kept as long as the core. */
static _Thread_local struct list *buckets;
static _Thread_local struct last_login *logins;

static void end_core(void)
{
    free(buckets);
    free(logins);
    buckets = NULL;
    logins = NULL;
}

__attribute__((constructor)) static void end_cores(void)
{
    core_on_start(NULL, end_core);
}

static struct list *bucket_of(slice account)
{
    if (!buckets) {
        buckets = calloc(BUCKETS, sizeof *buckets);
        for (unsigned i = 0; buckets && i < BUCKETS; i++)
            list_init(&buckets[i]);
    }
    return buckets ? &buckets[slice_hash(account) % BUCKETS] : NULL;
}

error pop3_presence_enter(struct pop3_presence *presence, slice account, unsigned sessions_max)
{
    struct list *bucket = bucket_of(account);
    struct pop3_presence *other;
    unsigned count = 0;
    TRY_MEMORY(bucket);
    LIST_EACH (bucket, other, node)
        count += slice_equal(other->account, account);
    if (count >= sessions_max)
        return error_make(ERROR_LIMIT, "the mailbox is in use by other sessions");
    presence->account = account;
    list_init(&presence->node);
    list_append(bucket, &presence->node);
    return OK;
}

void pop3_presence_leave(struct pop3_presence *presence)
{
    if (presence->account.size)
        list_remove(&presence->node);
    presence->account = SLICE_EMPTY;
}

error pop3_presence_login(slice account, instant now, int64_t delay)
{
    uint64_t hash = slice_hash(account);
    if (delay == 0)
        return OK;
    if (!logins)
        logins = calloc(POP3_DELAYS_MAX, sizeof *logins);
    TRY_MEMORY(logins);
    struct last_login *last = &logins[hash % POP3_DELAYS_MAX];
    if (last->account == hash && last->at != 0 && now - last->at < delay)
        return error_make(ERROR_BUSY, "logged in too short a time ago");
    *last = (struct last_login){hash, now};
    return OK;
}
