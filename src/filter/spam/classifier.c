/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "filter/spam/classifier.h"

#include "base/log.h"
#include "base/metric.h"
#include "base/time.h"
#include "runtime/crew.h"
#include "runtime/fiber.h"
#include "runtime/worker.h"

#include <math.h>
#include <sys/stat.h>

METRIC_GAUGE(metric_ham, "ringmail_spam_learned_mails", "kind=\"ham\"",
             "Mails learned as wanted, summed over cores");
METRIC_GAUGE(metric_spam, "ringmail_spam_learned_mails", "kind=\"spam\"",
             "Mails learned as unwanted, summed over cores");

static _Thread_local struct {
    char path[1024];
    struct spam_model model;
    struct timespec changed; /* of the file that was looked at last, usable or not */
    ino_t inode;
    uint64_t version; /* of that: what was begun before is of no use then */
    instant look_at;
    bool loading;
    struct condition loaded;
} here;

static void drop(void)
{
    if (here.model.header) {
        metric_add(&metric_ham, -(int64_t)here.model.header->ham);
        metric_add(&metric_spam, -(int64_t)here.model.header->spam);
    }
    spam_model_close(&here.model);
}

/* A damaged file leaves what we have. */
static void take(struct spam_model *fresh, error problem)
{
    if (failed(problem)) {
        log_event(LOG_WARNING, "spam.learned", problem, slice_from_string(here.path));
        return;
    }
    drop();
    here.model = *fresh;
    metric_add(&metric_ham, fresh->header->ham);
    metric_add(&metric_spam, fresh->header->spam);
}

/* One stat(2) now and then. */
static bool is_changed(void)
{
    struct stat status;
    here.look_at = time_after(SPAM_CLASSIFIER_LOOK_S * TIME_S);
    if (here.path[0] == '\0' || stat(here.path, &status) != 0 ||
        (status.st_ino == here.inode && status.st_mtim.tv_sec == here.changed.tv_sec &&
         status.st_mtim.tv_nsec == here.changed.tv_nsec))
        return false;
    here.inode = status.st_ino;
    here.changed = status.st_mtim;
    here.version++;
    return true;
}

/* ---- A newer file, while mail is judged ---- */

struct load {
    char path[sizeof here.path];
    struct spam_model model;
};

static error load_on_worker(void *argument)
{
    struct load *load = argument;
    return spam_model_map(load->path, &load->model);
}

static void run_load(void *unused)
{
    (void)unused;
    struct load load = {0};
    uint64_t version = here.version;
    memcpy(load.path, here.path, sizeof load.path);
    error problem = worker_run(WORKER_FILE, load_on_worker, &load);
    if (version == here.version)
        take(&load.model, problem);
    else
        spam_model_close(&load.model);
    here.loading = false;
    condition_wake_all(&here.loaded);
}

/* Some milliseconds, which no core has: until a worker has read it what we have answers. */
static void look(void)
{
    if (here.loading || !is_changed())
        return;
    condition_init(&here.loaded);
    here.loading = true;
    if (failed(fiber_start(NULL, "spam model", run_load, NULL))) {
        here.loading = false;
        here.inode = 0; /* the next look tries again */
    }
}

/* ---- Life ---- */

static void forget(void)
{
    drop();
    here.path[0] = '\0';
    here.inode = 0;
    here.version++;
}

error spam_classifier_start(slice path)
{
    if (path.size >= sizeof here.path)
        return error_make(ERROR_LIMIT, "the path of what was learned is too long");
    if (!slice_equal(path, slice_from_string(here.path)))
        forget();
    memcpy(here.path, path.data ? path.data : "", path.size);
    here.path[path.size] = '\0';
    struct spam_model fresh;
    if (is_changed())
        take(&fresh, spam_model_map(here.path, &fresh));
    return OK;
}

void spam_classifier_look_soon(void)
{
    here.look_at = 0;
}

void spam_classifier_stop(void)
{
    while (here.loading)
        error_ignore(condition_wait_steadfast(&here.loaded, TIME_NEVER));
    forget();
}

/* Robinson: how unwanted a mail with this feature is, drawn towards "no idea" where it was seen
 * seldom. */
static double opinion(const struct spam_model *model, const struct spam_model_slot *slot)
{
    double ham = slot->ham / (double)(model->header->ham ? model->header->ham : 1);
    double spam = slot->spam / (double)(model->header->spam ? model->header->spam : 1);
    double seen = slot->ham + slot->spam, share = spam / (ham + spam);
    return (0.5 * 0.45 + seen * share) / (0.45 + seen);
}

/* Survival function of chi-squared with 2n degrees of freedom, by its finite sum. */
static double chi_squared(double value, unsigned n)
{
    double half = value / 2, term = exp(-half), sum = term;
    for (unsigned i = 1; i < n; i++) {
        term *= half / i;
        sum += term;
    }
    return sum < 1 ? sum : 1;
}

enum { LEVELS = 64 };

/* 0: no idea, LEVELS - 1: sure. */
static unsigned level_of(double share)
{
    double distance = fabs(share - 0.5) * 2 * (LEVELS - 1);
    return (unsigned)distance;
}

static void combine(const float *shares, unsigned count, struct spam_classifier_answer *answer)
{
    unsigned levels[LEVELS] = {0}, level = LEVELS - 1, taken = 0;
    for (unsigned i = 0; i < count; i++)
        levels[level_of((double)shares[i])]++;
    while (level > LEVELS / 5 && taken + levels[level] < SPAM_CLASSIFIER_STRONGEST_MAX)
        taken += levels[level--];
    double log_ham = 0, log_spam = 0;
    unsigned room = SPAM_CLASSIFIER_STRONGEST_MAX - taken; /* for the weakest level */
    taken = 0;
    for (unsigned i = 0; i < count && taken < SPAM_CLASSIFIER_STRONGEST_MAX; i++) {
        unsigned own = level_of((double)shares[i]);
        if (own < level || own <= LEVELS / 5 || (own == level && room == 0))
            continue;
        room -= own == level;
        log_spam += log((double)shares[i]);
        log_ham += log(1 - (double)shares[i]);
        taken++;
    }
    answer->known = taken;
    answer->spam = 0.5;
    if (taken > 0)
        answer->spam =
            (1 + chi_squared(-2 * log_spam, taken) - chi_squared(-2 * log_ham, taken)) / 2;
}

error spam_classifier_judge(const struct spam_model *model, const uint32_t *words, unsigned count,
                            struct arena *arena, struct spam_classifier_answer *out_answer)
{
    uint32_t *features;
    unsigned feature_count, known = 0;
    TRY(spam_model_features(arena, words, count, &features, &feature_count));
    float *shares = ARENA_ARRAY(arena, float, feature_count + 1);
    TRY_MEMORY(shares);
    for (unsigned i = 0; i < feature_count; i++) {
        const struct spam_model_slot *slot = spam_model_find(model, features[i]);
        if (slot && slot->ham + slot->spam >= 2)
            shares[known++] = (float)opinion(model, slot);
    }
    combine(shares, known, out_answer);
    out_answer->ham_learned = model->header->ham;
    out_answer->spam_learned = model->header->spam;
    return OK;
}

error spam_classifier_ask(const uint32_t *words, unsigned count, struct arena *arena,
                          struct spam_classifier_answer *out_answer)
{
    if (time_now() >= here.look_at)
        look();
    if (!here.model.header)
        return error_make(ERROR_NOT_FOUND, "nothing was learned");
    return spam_classifier_judge(&here.model, words, count, arena, out_answer);
}
