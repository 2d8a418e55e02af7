/* SPDX-License-Identifier: GPL-3.0-or-later
 * The store's part of one core: its tables, its care for open mailboxes, the names it gives. */
#include "base/log.h"
#include "data/store/state.h"
#include "data/store/writeback.h"
#include "runtime/fiber.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { CARE_PER_TURN = 32 };

_Thread_local struct store_core store_here;

/* One mailbox: names that are due, changes by others where somebody watches. */
static void care_for(struct mailbox *mailbox)
{
    if (mailbox->index.header.names_stale > 0 && timer_now() >= mailbox->rename_due)
        mailbox_rename_stale(mailbox, MAILBOX_RENAMES_PER_TURN);
    if (!list_is_empty(&mailbox->watches)) {
        error problem = mailbox_sync(mailbox);
        if (failed(problem) && problem.kind != ERROR_CANCELLED && problem.kind != ERROR_NOT_FOUND)
            log_event(LOG_WARNING, "store.sync", problem, slice_from_string(mailbox->name));
    }
    if (mailbox->index.header.names_stale == 0)
        mailbox->rename_due = TIME_NEVER;
    if (mailbox->rename_due == TIME_NEVER && list_is_empty(&mailbox->watches))
        list_remove(&mailbox->care);
}

/* Mailboxes come and go while it waits: each round works on those held at its begin. */
static error care_round(void)
{
    size_t count = 0, capacity = 0;
    struct mailbox *mailbox, **held = NULL;
    LIST_EACH (&store_here.care, mailbox, care) {
        if (count == capacity) {
            capacity = capacity ? capacity * 2 : 64;
            struct mailbox **grown = realloc(held, capacity * sizeof(struct mailbox *));
            if (!grown)
                break;
            held = grown;
        }
        held[count++] = mailbox_ref(mailbox);
    }
    error problem = OK;
    for (size_t i = 0; i < count; i++) {
        if (!failed(problem) && !held[i]->gone)
            care_for(held[i]);
        mailbox_close(&held[i]);
        if (!failed(problem) && i % CARE_PER_TURN == CARE_PER_TURN - 1)
            problem = fiber_yield();
    }
    free(held);
    return problem;
}

static void care_run(void *unused)
{
    (void)unused;
    const struct store_settings *settings = &store_shared.settings;
    int64_t pause = settings->poll_interval < settings->rename_delay ? settings->poll_interval
                                                                     : settings->rename_delay;
    error problem = OK;
    while (!failed(problem)) {
        if (list_is_empty(&store_here.care))
            problem = condition_wait(&store_here.care_wanted, TIME_NEVER);
        if (!failed(problem))
            problem = fiber_sleep(pause);
        if (!failed(problem))
            problem = care_round();
    }
}

void store_synced(void *unused)
{
    (void)unused;
    condition_wake_all(&store_here.synced);
}

error store_core_start(void)
{
    struct store_core *store = &store_here;
    *store = (struct store_core){.turn_end.function = mailboxes_turn_ended};
    map_init(&store->accounts);
    list_init(&store->idle_accounts);
    list_init(&store->idle_mailboxes);
    list_init(&store->dirty);
    list_init(&store->care);
    condition_init(&store->care_wanted);
    condition_init(&store->synced);
    crew_init(&store->crew, NULL);
    TRY(fiber_start(&store->crew, "store.care", care_run, NULL));
    TRY(writeback_begin(&store->crew));
    store->open = true;
    return OK;
}

void store_core_end(void)
{
    struct store_core *store = &store_here;
    if (!store->open)
        return;
    store->open = false;
    if (fiber_self())
        crew_close(&store->crew);
    writeback_end();
    while (!list_is_empty(&store->idle_mailboxes)) {
        struct mailbox *mailbox = LIST_FIRST(&store->idle_mailboxes, struct mailbox, idle);
        mailbox_rename_stale(mailbox, UINT32_MAX);
        mailbox_drop(mailbox);
    }
    /* Those that a session still holds are written, at least. */
    struct mailbox *mailbox;
    LIST_EACH (&store->dirty, mailbox, dirty)
        if (failed(index_write(&mailbox->index)))
            log_event(LOG_ERROR, "store.index.write", OK, slice_from_string(mailbox->name));
    while (!list_is_empty(&store->idle_accounts))
        account_drop(LIST_FIRST(&store->idle_accounts, struct account, idle));
    map_close(&store->accounts);
}

size_t store_base_name(uint64_t size, uint64_t virtual_size,
                       char out_name[STORE_BASE_NAME_SIZE_MAX])
{
    int64_t now = time_wall();
    int length =
        snprintf(out_name, STORE_BASE_NAME_SIZE_MAX, "%lld.M%lldP%dC%uQ%llu.%s,S=%llu,W=%llu",
                 (long long)(now / TIME_S), (long long)(now % TIME_S / TIME_US),
                 store_shared.process, core_self(), (unsigned long long)++store_here.name_counter,
                 store_shared.host, (unsigned long long)size, (unsigned long long)virtual_size);
    return (size_t)length;
}
