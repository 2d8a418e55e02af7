/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "filter/spam/engine.h"

#include "base/metric.h"
#include "filter/spam/classifier.h"
#include "filter/spam/rules.h"

enum spam_rule_id {
#define ID_(name) RULE_##name,
    SPAM_RULES(ID_)
#undef ID_
        RULE_COUNT
};

static error (*const rules[])(struct spam_scan *scan) = {
#define RUN_(name) spam_rule_##name,
    SPAM_RULES(RUN_)
#undef RUN_
};

/* One metric a rule and one a symbol, made of the same tables as they. */
static struct metric rule_seconds[] = {
#define METRIC_(name)                                                                              \
    {"ringmail_spam_rule_seconds", "rule=\"" #name "\"", "Time of each rule of our own engine",    \
     METRIC_KIND_HISTOGRAM, 0},
    SPAM_RULES(METRIC_)
#undef METRIC_
};
static struct metric symbol_found[] = {
#define METRIC_(NAME, score, group, help)                                                          \
    {"ringmail_spam_symbols_total", "symbol=\"" #NAME "\"", "Mails in which a symbol was found",   \
     METRIC_KIND_COUNTER, 0},
    SPAM_SYMBOLS(METRIC_)
#undef METRIC_
};
METRIC_COUNTER(metric_scanned, "ringmail_spam_scanned_total", "", "Mails our own engine judged");
METRIC_COUNTER(metric_cut, "ringmail_spam_rules_failed_total", "",
               "Rules that ended early for want of memory");

__attribute__((constructor)) static void metric_register_rule_seconds(void)
{
    for (unsigned i = 0; i < RULE_COUNT; i++)
        metric_register(&rule_seconds[i]);
}

__attribute__((constructor)) static void metric_register_symbol_found(void)
{
    for (unsigned i = 0; i < SPAM_SYMBOL_COUNT; i++)
        metric_register(&symbol_found[i]);
}

/* Tables that were replaced live until the last mail that began with them is judged. */
static _Thread_local struct spam_tables *current;

static void leave(struct spam_tables *tables)
{
    if (--tables->users == 0)
        spam_tables_destroy(&tables);
}

error spam_engine_start(const struct spam_engine_settings *settings, slice learned)
{
    struct spam_tables *tables;
    TRY(spam_tables_create(settings, &tables));
    tables->users = 1;
    if (current)
        leave(current);
    current = tables;
    return spam_classifier_start(learned);
}

void spam_engine_stop(void)
{
    if (current)
        leave(current);
    current = NULL;
    spam_classifier_stop();
}

error spam_rule_composites(struct spam_scan *scan)
{
    const struct spam_tables *tables = scan->tables;
    for (unsigned i = 0; i < tables->composite_count; i++)
        if (spam_composite_holds(&tables->composites[i], scan->found))
            spam_scan_add(scan, tables->composites[i].id, 1, SLICE_EMPTY);
    return OK;
}

static error run_rules(struct spam_scan *scan)
{
    instant begun = time_now();
    for (unsigned i = 0; i < RULE_COUNT; i++) {
        error problem = rules[i](scan);
        instant now = time_now();
        metric_observe(&rule_seconds[i], (uint64_t)(now - begun));
        begun = now;
        if (problem.kind == ERROR_CANCELLED)
            return problem;
        if (failed(problem))
            metric_add(&metric_cut, 1);
    }
    return OK;
}

static void count_symbols(const struct spam_scan *scan)
{
    metric_add(&metric_scanned, 1);
    for (unsigned word = 0; word * 64 < SPAM_SYMBOL_COUNT; word++)
        for (uint64_t left = scan->found[word]; left; left &= left - 1) {
            unsigned id = word * 64 + (unsigned)__builtin_ctzll(left);
            if (id < SPAM_SYMBOL_COUNT)
                metric_add(&symbol_found[id], 1);
        }
}

/* The verdict may hold symbols of others already. */
static error add_to_verdict(const struct spam_scan *scan, struct arena *arena,
                            struct spam_verdict *verdict)
{
    unsigned count = verdict->symbol_count + scan->symbol_count;
    struct spam_symbol *symbols = ARENA_ARRAY(arena, struct spam_symbol, count + 1);
    TRY_MEMORY(symbols);
    for (unsigned i = 0; i < verdict->symbol_count; i++)
        symbols[i] = verdict->symbols[i];
    for (unsigned i = 0; i < scan->symbol_count; i++)
        symbols[verdict->symbol_count + i] = scan->symbols[i];
    verdict->symbols = symbols;
    verdict->symbol_count = count < SPAM_SYMBOLS_MAX ? count : SPAM_SYMBOLS_MAX;
    verdict->score += scan->score;
    return OK;
}

error spam_engine_judge(const struct spam_mail *mail, struct arena *arena,
                        struct spam_verdict *verdict)
{
    struct spam_tables *tables = current;
    if (!tables)
        return error_make(ERROR_BUG, "the spam engine does not run on this core");
    struct arena scratch;
    arena_init(&scratch, SPAM_SCAN_MEMORY_MAX);
    tables->users++;
    struct spam_scan *scan = ARENA_NEW(&scratch, struct spam_scan);
    error problem = scan ? spam_scan_open(scan, mail, tables, &scratch, arena)
                         : error_make(ERROR_LIMIT, "out of memory for this task");
    if (!failed(problem))
        problem = run_rules(scan);
    if (!failed(problem)) {
        count_symbols(scan);
        problem = add_to_verdict(scan, arena, verdict);
    }
    leave(tables);
    if (scan)
        spam_scan_close(scan);
    arena_close(&scratch);
    return problem;
}
