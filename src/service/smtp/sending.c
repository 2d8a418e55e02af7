/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/smtp/sending.h"

#include "base/list.h"
#include "base/map.h"
#include "base/time.h"
#include "data/store/store.h"
#include "runtime/core.h"
#include "runtime/message.h"
#include "service/smtp/limits.h"

#include <stdlib.h>

struct entry {
    struct list recent;
    struct allowance_count count;
    size_t size;
    char account[];
};

static _Thread_local struct accounts {
    struct map map;
    struct list recent; /* whoever sent last is first */
    unsigned count;
    bool ready;
} accounts;

static void forget(struct entry *entry)
{
    map_remove(&accounts.map, slice_of(entry->account, entry->size));
    list_remove(&entry->recent);
    accounts.count--;
    free(entry);
}

static void end_core(void)
{
    if (!accounts.ready)
        return;
    while (!list_is_empty(&accounts.recent))
        forget(CONTAINER_OF(accounts.recent.next, struct entry, recent));
    map_close(&accounts.map);
    accounts.ready = false;
}

__attribute__((constructor)) static void begin_cores(void)
{
    core_on_start(NULL, end_core);
}

static struct entry *make(slice account)
{
    if (accounts.count == SMTP_SENDING_ACCOUNTS_MAX)
        forget(CONTAINER_OF(accounts.recent.previous, struct entry, recent));
    struct entry *entry = calloc(1, sizeof *entry + account.size);
    if (!entry)
        return NULL;
    memcpy(entry->account, account.data, account.size);
    entry->size = account.size;
    if (failed(map_put(&accounts.map, slice_of(entry->account, entry->size), entry))) {
        free(entry);
        return NULL;
    }
    list_prepend(&accounts.recent, &entry->recent);
    accounts.count++;
    return entry;
}

static struct entry *find(slice account)
{
    if (!accounts.ready) {
        map_init(&accounts.map);
        list_init(&accounts.recent);
        accounts.ready = true;
    }
    struct entry *entry = map_get(&accounts.map, account);
    if (!entry)
        return make(account);
    list_remove(&entry->recent);
    list_prepend(&accounts.recent, &entry->recent);
    return entry;
}

struct visit {
    slice account;
    const struct smtp_settings *limits;
    int messages, recipients; /* to be counted; 0: only a question */
    struct smtp_sending answer;
};

/* Without memory nothing can be counted, and nobody is kept from sending. */
static error at_home(void *argument)
{
    struct visit *visit = argument;
    struct smtp_sending *answer = &visit->answer;
    struct entry *entry = find(visit->account);
    if (!entry)
        return OK;
    struct allowance_count *count = &entry->count;
    int64_t now = time_wall_seconds();
    uint32_t recipients = visit->recipients > 0 ? (uint32_t)visit->recipients : 1;
    answer->left = allowance_left(count, visit->limits, now);
    answer->refused = visit->messages >= 0 &&
                      (answer->left.messages == 0 || answer->left.recipients < recipients);
    answer->alert = answer->refused && count->alerted != count->hour.newest;
    if (answer->alert)
        count->alerted = count->hour.newest;
    if (!answer->refused && visit->messages)
        allowance_add(count, visit->messages, visit->recipients, now);
    return OK;
}

static struct smtp_sending visit_home(slice account, const struct smtp_settings *limits,
                                      int messages, int recipients)
{
    struct visit visit = {account, limits, messages, recipients,
                          .answer.left = {UINT32_MAX, UINT32_MAX}};
    if (limits->messages_per_hour || limits->messages_per_day || limits->recipients_per_hour ||
        limits->recipients_per_day)
        error_ignore(core_visit(store_home_core(account), at_home, &visit)); /* never fails */
    return visit.answer;
}

struct smtp_sending smtp_sending_ask(slice account, const struct smtp_settings *limits)
{
    return visit_home(account, limits, 0, 0);
}

struct smtp_sending smtp_sending_take(slice account, const struct smtp_settings *limits,
                                      unsigned recipients)
{
    return visit_home(account, limits, 1, (int)recipients);
}

void smtp_sending_give(slice account, const struct smtp_settings *limits, unsigned recipients)
{
    visit_home(account, limits, -1, -(int)recipients);
}
