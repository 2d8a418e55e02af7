#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How the queue is kept: journal, spool and log of one core. The schedule calls this; it knows no
 * schedule, but gives every mail that it finds at start to queue_schedule_add.
 *
 * - journal: an added mail (envelopes and body) and each outcome, durable by group commit;
 * - spool: bodies that left memory, appended to segment files;
 * - log: envelopes and states of spooled mails, append-only, rewritten when mostly dead. It is read
 *   in one sweep at start: a million mails take seconds and no body is touched.
 */
#include "transport/queue/mail.h"

/* WAITS. Journals the envelopes and the body in one record, waits for the commit, makes the mails.
 * Nothing is scheduled yet. */
error queue_keep_add(struct queue_submission *submission,
                     struct queue_mail *out_mails[QUEUE_ENVELOPES_MAX]);

/* The recipients' outcomes as they are now (those of one item): into the journal at once (the next
 * group commit makes them durable; it is not waited for), into the log where the mail is logged.
 * Does not fail for its caller: a disk that refuses is logged, and costs a duplicate after a crash
 * at worst. WAITS only for room in the journal. */
void queue_keep_outcomes(struct queue_mail *mail, const struct queue_item *item);
/* Attempts, due time, last answer of an item (NULL: none); held, warned of its mail. Into the log
 * only, where the mail is logged; where it is not yet (first failure), its body goes to the spool
 * and the mail into the log, as they are then. Does not wait. */
void queue_keep_state(struct queue_mail *mail, const struct queue_item *item);
/* WAITS until what was kept so far is on disk: for the operator's orders. */
error queue_keep_sync(void);
/* No recipient is open any more: gives memory, spool space and the mail itself back. */
void queue_keep_finish(struct queue_mail **mail);

/* Any core, while one of the content's items is out there (content->out). The body: in memory,
 * pinned until released, or read from the spool into `scratch` (WAITS), which was initialised with
 * a size_max of at least content->size + content->prefix_size. ERROR_PERMANENT: the spool lost it.
 * queue_mail_prefix gives what comes before the body. Release closes `scratch`. */
error queue_content_open(struct queue_content *content, struct body *scratch, slice *out_body);
void queue_content_release(struct queue_content *content, struct body *scratch);

/* This core's mails by id; next and previous in the order of ids. */
struct queue_mail *queue_keep_find(queue_id id);
struct queue_mail *queue_keep_next(const struct queue_mail *after); /* NULL: first */
struct queue_mail *queue_keep_previous(const struct queue_mail *before);
uint64_t queue_keep_count(void);        /* this core's mails */
uint64_t queue_keep_memory_bytes(void); /* bodies in memory on this core */
uint64_t queue_keep_spool_bytes(void);  /* live bytes of this core's spool */

/* WAITS. Life; see queue.h. By the boss, before the store starts: reads the logs on every core, and
 * takes part in the journals' replay. `path` is where spool and log lie, if the settings say
 * nothing. The settings are those of the moment until queue_keep_set_settings (any thread). */
error queue_keep_load(const struct queue_settings *settings, slice path);
void queue_keep_set_settings(const struct queue_settings *settings);
/* WAITS. On every core after the journals were replayed: hands the mails found to
 * queue_schedule_add. */
error queue_keep_open(void);
/* WAITS. On every core, when no item is out and no timer runs: spools what is in memory only,
 * syncs, frees every mail. */
error queue_keep_close(void);
