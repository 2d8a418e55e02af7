/* SPDX-License-Identifier: GPL-3.0-or-later
 * What is kept begins and ends to live. */
#include "transport/queue/state.h"

#include "base/log.h"
#include "data/store/store.h"
#include "runtime/fiber.h"
#include "transport/queue/schedule.h"

#include <unistd.h>

error queue_keep_open(void)
{
    struct keep_core *keep = keep_of_this_core();
    if (!keep->loaded)
        return error_make(ERROR_BUG, "the queue was not loaded");
    keep->last_time = atomic_load(&keep_shared.time_seen);
    crew_init(&keep->crew, NULL);
    TRY(fiber_start(&keep->crew, "queue.keep", keeper_run, keep));
    TRY(fiber_start(&keep->crew, "queue.rewrite", keep_rewriter_run, keep));
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
        log_event(LOG_ERROR, "queue.close", problem, slice_from_string(keep_shared.path));
    free_mails(keep);
    keep_forget_start(keep);
    queue_log_close(&keep->log);
    spool_close(&keep->spool);
    keep->loaded = keep->open = false;
    return problem;
}
