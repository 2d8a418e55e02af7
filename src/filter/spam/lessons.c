/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "filter/spam/lessons.h"

#include "base/log.h"
#include "base/metric.h"
#include "filter/spam/classifier.h"
#include "filter/spam/learn.h"
#include "filter/spam/rspamd.h"
#include "filter/spam/settings.h"
#include "filter/spam/share.h"
#include "runtime/crew.h"
#include "runtime/fiber.h"
#include "runtime/worker.h"

#include <stdlib.h>
#include <unistd.h>

#define LEARNED(variable, kind, way)                                                               \
    METRIC_COUNTER(variable, "ringmail_spam_learned_total", "class=\"" kind "\",by=\"" way "\"",   \
                   "Mails learned from what users did with them")
LEARNED(spam_by_move, "spam", "move");
LEARNED(spam_by_copy, "spam", "copy");
LEARNED(spam_by_append, "spam", "append");
LEARNED(ham_by_move, "ham", "move");
LEARNED(ham_by_copy, "ham", "copy");
LEARNED(ham_by_append, "ham", "append");
METRIC_COUNTER(metric_known, "ringmail_spam_lessons_total", "result=\"known\"",
               "Mails that users showed and that were not learned, and why");
METRIC_COUNTER(metric_failed, "ringmail_spam_lessons_total", "result=\"failed\"",
               "Mails that users showed and that were not learned, and why");
METRIC_COUNTER(metric_limited, "ringmail_spam_lessons_total", "result=\"limited\"",
               "Mails that users showed and that were not learned, and why");
METRIC_COUNTER(metric_lost, "ringmail_spam_lessons_total", "result=\"lost\"",
               "Mails that users showed and that were not learned, and why");

static _Thread_local struct {
    const struct spam_settings *settings;
    char path[1024]; /* empty: none */
    struct spam_lesson waiting[SPAM_LESSONS_WAITING_MAX];
    unsigned count;
    struct spam_share share;
    struct condition changed; /* stopping, or no longer running */
    bool ready, running, stopping;
} here;

enum result { RESULT_LEARNED, RESULT_KNOWN, RESULT_FAILED };

/* What a worker is given. */
struct batch {
    char path[1024];
    struct spam_lesson lessons[SPAM_LESSONS_WAITING_MAX];
    enum result results[SPAM_LESSONS_WAITING_MAX];
    unsigned count;
    error problem; /* the last one */
};

/* ---- Life ---- */

error spam_lessons_start(const struct spam_settings *settings, slice learned)
{
    if (learned.size >= sizeof here.path)
        return error_make(ERROR_LIMIT, "the path of what was learned is too long");
    if (!here.ready)
        condition_init(&here.changed);
    here.ready = true;
    here.stopping = false;
    here.settings = settings;
    memcpy(here.path, learned.data ? learned.data : "", learned.size);
    here.path[learned.size] = '\0';
    return OK;
}

void spam_lessons_stop(void)
{
    here.stopping = true;
    if (here.ready)
        condition_wake_all(&here.changed);
    while (here.running)
        error_ignore(condition_wait_steadfast(&here.changed, TIME_NEVER));
    here.settings = NULL;
    spam_share_close(&here.share);
}

bool spam_lessons_are_wanted(void)
{
    const struct spam_settings *settings = here.settings;
    if (!settings || !settings->learn_from_moves || here.stopping)
        return false;
    return settings->engine == SPAM_ENGINE_RINGMAIL
               ? here.path[0] != '\0'
               : settings->engine == SPAM_ENGINE_RSPAMD && settings->rspamd_controller_url.size > 0;
}

void spam_lessons_count_lost(void)
{
    metric_add(&metric_lost, 1);
}

static void log_limited(slice account)
{
    struct log_line line = log_begin(LOG_WARNING, "spam.lessons_limited");
    log_text(&line, "account", account);
    log_number(&line, "learn_per_day", here.settings->learn_per_day);
    log_end(&line);
}

static bool have_room(void)
{
    return here.count < SPAM_LESSONS_WAITING_MAX;
}

bool spam_lessons_admit(slice account)
{
    if (!spam_lessons_are_wanted() || !have_room()) {
        spam_lessons_count_lost();
        return false;
    }
    enum spam_share_answer answer =
        spam_share_take(&here.share, account, here.settings->learn_per_day, time_now());
    if (answer == SPAM_SHARE_TAKEN)
        return true;
    metric_add(&metric_limited, 1);
    if (answer == SPAM_SHARE_REFUSED_FIRST)
        log_limited(account);
    return false;
}

static void run(void *argument);

void spam_lessons_add(const struct spam_lesson *lesson)
{
    bool fits = spam_lessons_are_wanted() && have_room();
    if (fits && !here.running)
        fits = here.running = !failed(fiber_start(NULL, "spam lessons", run, NULL));
    if (!fits) {
        close(lesson->fd);
        spam_lessons_count_lost();
        return;
    }
    here.waiting[here.count++] = *lesson;
}

/* ---- On a worker ---- */

static error learn_one(struct spam_learning *learning, const struct spam_lesson *lesson,
                       enum result *out_result)
{
    uint32_t known = learning->known;
    TRY(spam_learning_add_file(learning, lesson->fd, lesson->size, lesson->is_spam));
    *out_result = learning->known > known ? RESULT_KNOWN : RESULT_LEARNED;
    return OK;
}

/* ERROR_BUSY: nothing was done. */
static error learn_batch(void *argument)
{
    struct batch *batch = argument;
    struct spam_learning learning;
    TRY(spam_learning_open(&learning, slice_from_string(batch->path)));
    for (unsigned i = 0; i < batch->count; i++) {
        error problem = learn_one(&learning, &batch->lessons[i], &batch->results[i]);
        if (failed(problem))
            batch->problem = problem;
    }
    return spam_learning_close(&learning, learning.ham + learning.spam > 0);
}

/* ---- On the core ---- */

/* WAITS. Another core, or an operator, may be learning. */
static error learn_own(struct batch *batch)
{
    instant patience = time_after(SPAM_LESSONS_LOCK_S * TIME_S);
    memcpy(batch->path, here.path, sizeof batch->path);
    for (;;) {
        error problem = worker_run(WORKER_FILE, learn_batch, batch);
        if (problem.kind != ERROR_BUSY || time_now() >= patience || here.stopping ||
            failed(fiber_sleep(SPAM_LESSONS_LOCK_POLL_MS * TIME_MS))) {
            spam_classifier_look_soon();
            return problem;
        }
    }
}

struct loading {
    const struct spam_lesson *lesson;
    char *text;
};

static error load(void *argument)
{
    struct loading *loading = argument;
    return spam_learning_load(loading->lesson->fd, loading->lesson->size, &loading->text);
}

/* WAITS. */
static error post_one(const struct spam_settings *settings, const struct spam_lesson *lesson,
                      enum result *out_result)
{
    struct loading loading = {.lesson = lesson};
    struct arena arena;
    bool known = false;
    TRY(worker_run(WORKER_FILE, load, &loading));
    arena_init(&arena, 4 * SPAM_RSPAMD_ANSWER_SIZE_MAX);
    error problem = spam_rspamd_learn(settings, slice_of(loading.text, lesson->size),
                                      lesson->is_spam, &arena, &known);
    arena_close(&arena);
    free(loading.text);
    TRY(problem);
    *out_result = known ? RESULT_KNOWN : RESULT_LEARNED;
    return OK;
}

/* WAITS. A controller that does not answer is not waited for by each. What was posted is learned,
 * whatever becomes of the rest. */
static error post_all(const struct spam_settings *settings, struct batch *batch)
{
    for (unsigned i = 0; i < batch->count; i++) {
        error problem = post_one(settings, &batch->lessons[i], &batch->results[i]);
        if (failed(problem))
            batch->problem = problem;
        if (problem.kind == ERROR_TIMEOUT || problem.kind == ERROR_CANCELLED)
            break;
    }
    return OK;
}

static void count(const struct spam_lesson *lesson, enum result result)
{
    static struct metric *const learned[SPAM_LESSON_WAYS][2] = {
        [SPAM_LESSON_MOVE] = {&ham_by_move, &spam_by_move},
        [SPAM_LESSON_COPY] = {&ham_by_copy, &spam_by_copy},
        [SPAM_LESSON_APPEND] = {&ham_by_append, &spam_by_append},
    };
    metric_add(result == RESULT_LEARNED ? learned[lesson->way][lesson->is_spam]
               : result == RESULT_KNOWN ? &metric_known
                                        : &metric_failed,
               1);
}

static void finish(struct batch *batch, error problem)
{
    unsigned results[RESULT_FAILED + 1] = {0};
    for (unsigned i = 0; i < batch->count; i++) {
        /* A file that could not be written has learned nothing. */
        enum result result = failed(problem) ? RESULT_FAILED : batch->results[i];
        close(batch->lessons[i].fd);
        count(&batch->lessons[i], result);
        results[result]++;
    }
    if (!failed(problem))
        problem = batch->problem;
    struct log_line line = log_begin(failed(problem) ? LOG_WARNING : LOG_INFO, "spam.lessons");
    log_number(&line, "learned", results[RESULT_LEARNED]);
    log_number(&line, "known", results[RESULT_KNOWN]);
    log_number(&line, "failed", results[RESULT_FAILED]);
    log_error(&line, problem);
    log_end(&line);
}

static void take_waiting(struct batch *batch)
{
    batch->count = here.count;
    memcpy(batch->lessons, here.waiting, here.count * sizeof *here.waiting);
    for (unsigned i = 0; i < batch->count; i++)
        batch->results[i] = RESULT_FAILED;
    here.count = 0;
}

/* WAITS. */
static void teach(struct batch *batch)
{
    const struct spam_settings *settings = here.settings;
    take_waiting(batch);
    error problem =
        settings->engine == SPAM_ENGINE_RSPAMD ? post_all(settings, batch) : learn_own(batch);
    finish(batch, problem);
}

/* Without memory they are lost. */
static void lose_all(void)
{
    for (unsigned i = 0; i < here.count; i++) {
        close(here.waiting[i].fd);
        spam_lessons_count_lost();
    }
    here.count = 0;
}

static void run(void *argument)
{
    (void)argument;
    while (here.count > 0) {
        if (!here.stopping)
            error_ignore(
                condition_wait(&here.changed, time_after(SPAM_LESSONS_GATHER_MS * TIME_MS)));
        struct batch *batch = calloc(1, sizeof *batch);
        if (batch)
            teach(batch);
        else
            lose_all();
        free(batch);
    }
    here.running = false;
    condition_wake_all(&here.changed);
}
