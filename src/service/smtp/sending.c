/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/smtp/sending.h"

#include "base/metric.h"
#include "base/time.h"
#include "data/store/store.h"
#include "runtime/core.h"
#include "runtime/message.h"
#include "service/smtp/limits.h"
#include "service/smtp/sending_state.h"

#include <stdlib.h>

METRIC_COUNTER(forgotten_total, "ringmail_sending_forgotten_total", "",
               "Accounts forgotten though their counts mattered, for there were too many");
METRIC_COUNTER(unsaved_total, "ringmail_sending_forgotten_unsaved_total", "",
               "Accounts forgotten before their counts were written down");

enum { LOOK_BACK_MAX = 256 }; /* for an account whose count is on disk */

static _Thread_local struct sending_accounts accounts_here;

struct sending_accounts *sending_accounts(void)
{
    struct sending_accounts *accounts = &accounts_here;
    if (!accounts->ready) {
        map_init(&accounts->map);
        list_init(&accounts->recent);
        list_init(&accounts->changed);
        accounts->ready = true;
    }
    return accounts;
}

void sending_forget(struct sending_accounts *accounts, struct sending_entry *entry)
{
    map_remove(&accounts->map, slice_of(entry->account, entry->size));
    list_remove(&entry->recent);
    list_remove(&entry->changed);
    accounts->count--;
    free(entry);
}

static void end_core(void)
{
    struct sending_accounts *accounts = &accounts_here;
    if (!accounts->ready)
        return;
    while (!list_is_empty(&accounts->recent))
        sending_forget(accounts, LIST_FIRST(&accounts->recent, struct sending_entry, recent));
    map_close(&accounts->map);
    accounts->ready = false;
}

__attribute__((constructor)) static void begin_cores(void)
{
    core_on_start(NULL, end_core);
}

/* Among those that were silent for longest the first whose count is on disk: a restart knows it
 * again. All of them wait for the disk only where it refuses. */
static struct sending_entry *choose(const struct sending_accounts *accounts)
{
    struct list *at = accounts->recent.previous;
    for (int i = 0; i < LOOK_BACK_MAX && at != &accounts->recent; i++, at = at->previous) {
        struct sending_entry *entry = CONTAINER_OF(at, struct sending_entry, recent);
        if (list_is_empty(&entry->changed))
            return entry;
    }
    return CONTAINER_OF(accounts->recent.previous, struct sending_entry, recent);
}

static void make_room(struct sending_accounts *accounts)
{
    struct sending_entry *entry = choose(accounts);
    metric_add(&forgotten_total, allowance_is_current(&entry->count, time_wall_seconds()));
    metric_add(&unsaved_total, !list_is_empty(&entry->changed));
    sending_forget(accounts, entry);
}

static struct sending_entry *make(struct sending_accounts *accounts, slice account)
{
    if (accounts->count == SMTP_SENDING_ACCOUNTS_MAX)
        make_room(accounts);
    struct sending_entry *entry = calloc(1, sizeof *entry + account.size);
    if (!entry)
        return NULL;
    memcpy(entry->account, account.data, account.size);
    entry->size = account.size;
    if (failed(map_put(&accounts->map, slice_of(entry->account, entry->size), entry))) {
        free(entry);
        return NULL;
    }
    list_prepend(&accounts->recent, &entry->recent);
    list_init(&entry->changed);
    accounts->count++;
    return entry;
}

struct sending_entry *sending_find(struct sending_accounts *accounts, slice account)
{
    struct sending_entry *entry = map_get(&accounts->map, account);
    if (!entry)
        return make(accounts, account);
    list_remove(&entry->recent);
    list_prepend(&accounts->recent, &entry->recent);
    return entry;
}

void sending_change(struct sending_accounts *accounts, struct sending_entry *entry)
{
    list_remove(&entry->changed);
    list_append(&accounts->changed, &entry->changed);
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
    struct sending_accounts *accounts = sending_accounts();
    struct sending_entry *entry = sending_find(accounts, visit->account);
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
    bool counts = !answer->refused && visit->messages;
    if (counts)
        allowance_add(count, visit->messages, visit->recipients, now);
    if (counts || answer->alert)
        sending_change(accounts, entry);
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
