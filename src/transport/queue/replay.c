/* SPDX-License-Identifier: GPL-3.0-or-later
 * The journals' part of the start, after the logs were read. First pass: outcomes, into the mails
 * that the logs have, or kept for those to come. Second pass: submissions. What the logs have is
 * only checked (a power cut may have kept the log and lost the body); what they have as done, or
 * what the outcomes finish, is passed over; the rest goes into spool and log. A mail's records are
 * all in one core's journal; core n modulo the count does what that core's log says. */
#include "transport/queue/state.h"

#include "base/log.h"
#include "base/metric.h"
#include "runtime/core.h"
#include "runtime/message.h"

#include <stdlib.h>

METRIC_COUNTER(replayed_mails, "ringmail_queue_replayed_mails_total", "",
               "Mails that the journal brought back into the queue");
METRIC_COUNTER(replayed_bodies, "ringmail_queue_replayed_bodies_total", "",
               "Bodies of logged mails that the journal had to give again");

enum { REPLAY_ARENA_MAX = 64 << 20 };

/* Outcomes of a mail that is not known yet. */
struct replayed_outcome {
    struct replayed_outcome *before;
    struct record_outcome outcome;
};

static error keep_outcome(struct keep_core *keep, queue_id id, struct record_outcome outcome)
{
    struct replayed_outcome *kept = malloc(sizeof *kept);
    TRY_MEMORY(kept);
    *kept = (struct replayed_outcome){id_map_get(&keep->outcomes, id), outcome};
    error problem = id_map_put(&keep->outcomes, id, kept);
    if (failed(problem))
        free(kept);
    return problem;
}

static error replay_outcomes(void *argument)
{
    struct keep_core *keep = keep_of_this_core();
    struct record_outcomes outcomes = *(struct record_outcomes *)argument;
    struct record_outcome outcome;
    struct queue_mail *mail = queue_keep_find(outcomes.id);
    keep_id_seen(outcomes.id);
    while (record_outcomes_next(&outcomes, &outcome)) {
        if (mail)
            record_outcome_apply(mail, outcome);
        else
            TRY(keep_outcome(keep, outcomes.id, outcome));
    }
    struct journal_ticket none = {0};
    if (mail)
        queue_log_outcomes(&keep->log, mail, NULL, &none);
    return OK;
}

/* ---- Submissions ---- */

/* The content that mails of this submission in the log have; NULL: none is there. */
static struct queue_content *find_content(struct record_add add, struct arena *arena)
{
    struct record_mail record;
    while (!failed(record_add_next(&add, arena, &record))) {
        struct queue_mail *mail = queue_keep_find(record.id);
        if (mail)
            return mail->content;
    }
    return NULL;
}

static error write_content(struct keep_core *keep, struct queue_content *content,
                           const struct record_add *add)
{
    struct spool_entry entry = {.id = content->id, .prefixes = add->prefixes, .body = add->body};
    TRY(spool_write(&keep->spool, &entry, 1, keep_settings()->spool_segment_size, true));
    spool_attach(&keep->spool, content, entry.segment, entry.offset);
    return OK;
}

static struct queue_content *make_content(const struct record_add *add)
{
    struct queue_content *content = calloc(1, sizeof *content);
    if (!content)
        return NULL;
    content->id = add->id;
    content->size = add->body.size;
    content->prefix_size = (uint32_t)add->prefixes.size;
    content->sharers = (uint16_t)add->count;
    list_init(&content->segment_node);
    atomic_init(&content->pins, -1);
    return content;
}

/* A success that its sender asked to hear of, and has not heard of yet. */
static bool owes_report(const struct queue_mail *mail)
{
    for (uint32_t i = 0; i < mail->recipient_count; i++) {
        const struct queue_mail_recipient *to = &mail->recipients[i];
        if ((to->outcome == QUEUE_DELIVERED || to->outcome == QUEUE_RELAYED) && !to->reported)
            return true;
    }
    return false;
}

/* False where nothing of it is left to do. */
static bool apply_kept(struct keep_core *keep, struct queue_mail *mail)
{
    for (const struct replayed_outcome *kept = id_map_get(&keep->outcomes, mail->id); kept;
         kept = kept->before)
        record_outcome_apply(mail, kept->outcome);
    return mail->open_count > 0 || owes_report(mail);
}

static error add_mails(struct keep_core *keep, struct record_add add, struct arena *arena,
                       struct queue_content *content)
{
    struct record_mail record;
    error problem = OK;
    while (!failed(problem = record_add_next(&add, arena, &record))) {
        keep_id_seen(record.id);
        if (id_map_get(&keep->done, record.id) || queue_keep_find(record.id))
            continue;
        struct queue_mail *mail;
        TRY(record_mail_make(&record, content, &mail));
        if (!apply_kept(keep, mail)) {
            queue_mail_free(&mail);
            continue;
        }
        mail->owner = core_self();
        problem = keep_mail_put(keep, mail);
        if (failed(problem)) {
            queue_mail_free(&mail);
            return problem;
        }
        atomic_fetch_add(&keep_shared.mails, 1);
        metric_add(&replayed_mails, 1);
    }
    return problem.kind == ERROR_CLOSED ? OK : problem;
}

/* Those that are not logged stay so only where their body could not be written: the start fails. */
static error log_new(struct keep_core *keep, struct queue_content *content,
                     const struct record_add *add)
{
    bool fresh = false;
    for (const struct queue_mail *mail = content->mails; mail; mail = mail->next_sharing)
        fresh |= !mail->logged;
    if (!fresh)
        return OK;
    if (!content->segment)
        TRY(write_content(keep, content, add));
    for (struct queue_mail *mail = content->mails; mail; mail = mail->next_sharing)
        if (!mail->logged)
            queue_log_mail(&keep->log, mail);
    return OK;
}

static error repair(struct keep_core *keep, struct queue_content *content,
                    const struct record_add *add)
{
    if (content->id != add->id || content->size != add->body.size ||
        content->prefix_size != add->prefixes.size ||
        spool_is_whole(keep_shared.directory, content))
        return OK;
    TRY(write_content(keep, content, add));
    metric_add(&replayed_bodies, 1);
    for (const struct queue_mail *mail = content->mails; mail; mail = mail->next_sharing)
        queue_log_move(&keep->log, mail);
    return OK;
}

static error replay_add(void *argument)
{
    struct keep_core *keep = keep_of_this_core();
    const struct record_add *add = argument;
    struct arena arena;
    arena_init(&arena, REPLAY_ARENA_MAX);
    struct queue_content *content = find_content(*add, &arena);
    error problem = content ? repair(keep, content, add) : OK;
    if (!content) {
        content = make_content(add);
        problem = content ? OK : error_make(ERROR_TEMPORARY, "no memory for a queued mail");
    }
    if (!failed(problem))
        problem = add_mails(keep, *add, &arena, content);
    if (content && content->references > 0) { /* also what came before a failure */
        error logged = log_new(keep, content, add);
        problem = failed(problem) ? problem : logged;
    } else if (content) {
        keep_content_free(keep, content);
    }
    arena_close(&arena);
    return problem;
}

error keep_replay(const struct journal_record *record, unsigned pass)
{
    if (record->kind != JOURNAL_KIND_QUEUE)
        return error_make(ERROR_MALFORMED, "a record of nobody");
    unsigned home = record->core % core_count();
    int type = record->payload.size ? record->payload.data[0] : 0;
    if (type == RECORD_OUTCOMES && pass == 0) {
        struct record_outcomes outcomes;
        TRY(record_outcomes_read(record->payload, &outcomes));
        return core_call(home, replay_outcomes, &outcomes);
    }
    if (type == RECORD_ADD && pass == 1) {
        struct record_add add;
        TRY(record_add_read(record->payload, &add));
        return core_call(home, replay_add, &add);
    }
    return type == RECORD_ADD || type == RECORD_OUTCOMES
               ? OK
               : error_make(ERROR_MALFORMED, "not a record of the queue");
}

static void forget_outcomes(struct keep_core *keep)
{
    size_t position = 0;
    uint64_t id;
    void *value;
    while (id_map_next(&keep->outcomes, &position, &id, &value))
        for (struct replayed_outcome *kept = value; kept;) {
            struct replayed_outcome *before = kept->before;
            free(kept);
            kept = before;
        }
    id_map_close(&keep->outcomes);
}

void keep_forget_start(struct keep_core *keep)
{
    forget_outcomes(keep);
    id_map_close(&keep->done);
    id_map_close(&keep->contents);
    id_map_close(&keep->segments);
}

static error finish_here(void *unused)
{
    (void)unused;
    struct keep_core *keep = keep_of_this_core();
    keep_forget_start(keep);
    return keep->loaded ? queue_log_flush(&keep->log, false) : OK;
}

error keep_replay_finish(void)
{
    return core_broadcast(finish_here, NULL);
}
