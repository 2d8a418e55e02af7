/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "filter/spam/spam.h"

#include "base/metric.h"
#include "filter/spam/engine.h"
#include "filter/spam/fields.h"
#include "filter/spam/lessons.h"
#include "filter/spam/rspamd.h"
#include "filter/spam/settings.h"

#include <math.h>

#define COUNTER(variable, engine, result)                                                          \
    METRIC_COUNTER(variable, "ringmail_spam_mails_total",                                          \
                   "engine=\"" engine "\",result=\"" result "\"",                                  \
                   "Mails judged, by who judged and what became of them")
COUNTER(own_accept, "ringmail", "accept");
COUNTER(own_junk, "ringmail", "junk");
COUNTER(own_delay, "ringmail", "delay");
COUNTER(own_refuse, "ringmail", "refuse");
COUNTER(own_unjudged, "ringmail", "unjudged");
COUNTER(rspamd_accept, "rspamd", "accept");
COUNTER(rspamd_junk, "rspamd", "junk");
COUNTER(rspamd_delay, "rspamd", "delay");
COUNTER(rspamd_refuse, "rspamd", "refuse");
COUNTER(rspamd_unjudged, "rspamd", "unjudged");
METRIC_HISTOGRAM(own_time, "ringmail_spam_seconds", "engine=\"ringmail\"",
                 "Judging one mail, waits included");
METRIC_HISTOGRAM(rspamd_time, "ringmail_spam_seconds", "engine=\"rspamd\"",
                 "Judging one mail, waits included");

enum { TRUSTED_MEMORY = 1 << 20 };

static _Thread_local struct {
    const struct spam_settings *settings;
    struct arena arena; /* of `trusted` */
    struct network_list trusted;
} here;

/* ---- Life ---- */

static error read_trusted(const struct spam_settings *settings)
{
    arena_close(&here.arena);
    arena_init(&here.arena, TRUSTED_MEMORY);
    here.trusted = (struct network_list){0};
    return network_list_parse(settings->trusted, &here.arena, &here.trusted);
}

error spam_start(const struct spam_options *options)
{
    TRY(spam_engine_start(options->engine, options->learned));
    /* Nothing waits from here on: who judges meanwhile sees all of the old or all of the new. */
    TRY(spam_rspamd_start(options->settings));
    TRY(read_trusted(options->settings));
    here.settings = options->settings;
    return spam_lessons_start(options->settings, options->learned);
}

void spam_stop(void)
{
    spam_lessons_stop();
    spam_engine_stop();
    spam_rspamd_stop();
    arena_close(&here.arena);
    here.settings = NULL;
}

const struct spam_settings *spam_settings_here(void)
{
    return here.settings;
}

bool spam_is_wanted(const struct address *peer, bool submission)
{
    const struct spam_settings *settings = here.settings;
    if (!settings || settings->engine == SPAM_ENGINE_NONE)
        return false;
    return submission ? settings->submission : !network_list_matches(&here.trusted, peer);
}

/* ---- Verdicts ---- */

const char *spam_action_name(enum spam_action action)
{
    static const char *const names[] = {
        [SPAM_ACCEPT] = "accept",
        [SPAM_JUNK] = "junk",
        [SPAM_DELAY] = "delay",
        [SPAM_REFUSE] = "refuse",
    };
    return names[action];
}

enum spam_action spam_decide(const struct spam_settings *settings, double score)
{
    const struct {
        double from;
        enum spam_action action;
    } rows[] = {
        {settings->junk_score, SPAM_JUNK},
        {settings->delay_score, SPAM_DELAY},
        {settings->refuse_score, SPAM_REFUSE},
    };
    enum spam_action action = SPAM_ACCEPT;
    double reached = 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].from > 0 && score >= rows[i].from && rows[i].from >= reached) {
            action = rows[i].action;
            reached = rows[i].from;
        }
    return action;
}

error spam_verdict_add(struct spam_verdict *verdict, const struct spam_symbol *symbol,
                       struct arena *arena)
{
    double score = fmax(-SPAM_SCORE_MAX, fmin(SPAM_SCORE_MAX, symbol->score));
    if (!verdict->symbols) {
        verdict->symbols = ARENA_ARRAY(arena, struct spam_symbol, SPAM_SYMBOLS_MAX);
        TRY_MEMORY(verdict->symbols);
    }
    verdict->score += score;
    if (verdict->symbol_count == SPAM_SYMBOLS_MAX)
        return OK;
    struct spam_symbol copy = {.score = score};
    TRY(arena_copy(arena, slice_sub(symbol->name, 0, SPAM_SYMBOL_NAME_SIZE_MAX), &copy.name));
    TRY(arena_copy(arena, slice_sub(symbol->reason, 0, SPAM_SYMBOL_REASON_SIZE_MAX), &copy.reason));
    verdict->symbols[verdict->symbol_count++] = copy;
    return OK;
}

static error write_fields(struct spam_verdict *verdict, struct arena *arena)
{
    struct buffer fields;
    buffer_init(&fields, SPAM_FIELDS_SIZE_MAX);
    spam_fields_write(verdict, verdict->required, &fields);
    error problem = buffer_check(&fields);
    if (!failed(problem))
        problem = arena_copy(arena, buffer_slice(&fields), &verdict->fields);
    buffer_close(&fields);
    return problem;
}

static void count(enum spam_engine_kind engine, const struct spam_verdict *verdict, int64_t took)
{
    struct metric *const counters[][SPAM_REFUSE + 2] = {
        [SPAM_ENGINE_RINGMAIL] = {&own_accept, &own_junk, &own_delay, &own_refuse, &own_unjudged},
        [SPAM_ENGINE_RSPAMD] = {&rspamd_accept, &rspamd_junk, &rspamd_delay, &rspamd_refuse,
                                &rspamd_unjudged},
    };
    unsigned result = verdict->judged ? verdict->action : SPAM_REFUSE + 1;
    metric_add(counters[engine][result], 1);
    metric_observe(engine == SPAM_ENGINE_RSPAMD ? &rspamd_time : &own_time, (uint64_t)took);
}

static instant sooner(instant deadline, int64_t timeout)
{
    instant own = time_after(timeout);
    return deadline && deadline < own ? deadline : own;
}

/* WAITS. */
static error ask(const struct spam_settings *settings, const struct spam_mail *mail,
                 struct arena *arena, struct spam_verdict *verdict)
{
    enum spam_action own = SPAM_ACCEPT;
    struct spam_mail question = *mail;
    question.deadline = sooner(mail->deadline, settings->timeout);
    TRY(settings->engine == SPAM_ENGINE_RSPAMD ? spam_rspamd_judge(&question, arena, verdict, &own)
                                               : spam_engine_judge(&question, arena, verdict));
    enum spam_action decided = spam_decide(settings, verdict->score);
    verdict->action = own > decided ? own : decided;
    verdict->judged = true;
    return OK;
}

error spam_judge(const struct spam_mail *mail, struct arena *arena,
                 struct spam_verdict *out_verdict)
{
    const struct spam_settings *settings = here.settings; /* of now: a reload may come meanwhile */
    struct spam_verdict verdict = {.required = settings ? settings->junk_score : 0};
    instant began = time_now();
    if (settings && settings->engine != SPAM_ENGINE_NONE) {
        error problem = ask(settings, mail, arena, &verdict);
        if (problem.kind == ERROR_CANCELLED)
            return problem;
        if (failed(problem))
            verdict = (struct spam_verdict){
                .action = settings->on_failure == SPAM_FAILURE_DELAY ? SPAM_DELAY : SPAM_ACCEPT,
                .required = verdict.required,
                .problem = problem,
            };
        else if (settings->header)
            TRY(write_fields(&verdict, arena));
        count(settings->engine, &verdict, time_now() - began);
    }
    *out_verdict = verdict;
    return OK;
}
