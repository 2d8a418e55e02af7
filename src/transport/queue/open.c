/* SPDX-License-Identifier: GPL-3.0-or-later
 * What is kept begins and ends to live. */
#include "transport/queue/state.h"

#include "base/log.h"
#include "data/store/store.h"
#include "runtime/fiber.h"
#include "transport/queue/schedule.h"

#include <unistd.h>

/* ---- Sorting ---- */

static queue_id id_of(const struct list *node)
{
    return CONTAINER_OF(node, struct queue_mail, node)->id;
}

/* By `next` alone, NULL at the end. */
static struct list *merge(struct list *a, struct list *b)
{
    struct list head, *tail = &head;
    while (a && b) {
        struct list **lower = id_of(a) < id_of(b) ? &a : &b;
        tail->next = *lower;
        tail = *lower;
        *lower = (*lower)->next;
    }
    tail->next = a ? a : b;
    return head.next;
}

/* What ascends already, from *rest on. */
static struct list *take_run(struct list **rest)
{
    struct list *run = *rest, *last = run;
    while (last->next && id_of(last) < id_of(last->next))
        last = last->next;
    *rest = last->next;
    last->next = NULL;
    return run;
}

/* By id, which is by time. Logs are nearly in that order: few runs, merged as a counter carries. */
static void sort_mails(struct list *all)
{
    enum { BINS = 32 };
    struct list *bins[BINS] = {0}, *rest = all->next, *sorted = NULL;
    if (list_is_empty(all))
        return;
    all->previous->next = NULL;
    while (rest) {
        struct list *run = take_run(&rest);
        unsigned i = 0;
        for (; i < BINS - 1 && bins[i]; i++) {
            run = merge(bins[i], run);
            bins[i] = NULL;
        }
        bins[i] = merge(bins[i], run);
    }
    for (unsigned i = 0; i < BINS; i++)
        sorted = merge(bins[i], sorted);
    list_init(all);
    for (struct list *node = sorted, *next; node; node = next) {
        next = node->next;
        list_append(all, node);
    }
}

error queue_keep_open(void)
{
    struct keep_core *keep = keep_of_this_core();
    if (!keep->loaded)
        return error_make(ERROR_BUG, "the queue was not loaded");
    keep->last_time = atomic_load(&keep_shared.time_seen);
    crew_init(&keep->crew, NULL);
    TRY(fiber_start(&keep->crew, "queue.keep", keeper_run, keep));
    TRY(fiber_start(&keep->crew, "queue.rewrite", keep_rewriter_run, keep));
    sort_mails(&keep->all);
    keep->open = true;
    condition_wake_all(&keep->rewrite_wanted);
    struct queue_mail *mail;
    LIST_EACH (&keep->all, mail, node)
        queue_schedule_add(mail);
    return OK;
}

static void free_mails(struct keep_core *keep)
{
    while (!list_is_empty(&keep->all)) {
        struct queue_mail *mail = LIST_FIRST(&keep->all, struct queue_mail, node);
        struct queue_memory *memory = mail->content->memory;
        if (memory) /* could not be spooled: the journal's record must outlive us */
            memory->ticket.segment = 0;
        keep_mail_forget(keep, &mail);
    }
    id_map_close(&keep->mails);
}

error queue_keep_close(void)
{
    struct keep_core *keep = keep_of_this_core();
    if (!keep->loaded)
        return OK;
    error problem = OK;
    if (keep->open) {
        keep->closing = true;
        condition_wake_all(&keep->memory_freed);
        problem = queue_keep_sync();
        crew_close(&keep->crew);
    }
    if (failed(problem)) /* the journal keeps what is not in the files */
        log_event(problem.kind == ERROR_CANCELLED ? LOG_WARNING : LOG_ERROR, "queue.close", problem,
                  slice_from_string(keep_shared.path));
    free_mails(keep);
    keep_forget_start(keep);
    queue_log_close(&keep->log);
    spool_close(&keep->spool);
    keep->loaded = keep->open = false;
    return problem;
}
