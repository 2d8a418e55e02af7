/* SPDX-License-Identifier: GPL-3.0-or-later
 * Any bytes are a mail that our own rules judge: symbols are known, once each, with reasons of one
 * harmless line, and their scores add up. No DNS: no resolver runs here.
 */
#include "base/assert.h"
#include "filter/spam/engine.h"
#include "filter/spam/tables.h"

#include <math.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct spam_scores scores;
static struct spam_caps caps;
static struct spam_rules_settings rules;
static struct spam_lists_settings lists;

static void start(void)
{
    static bool started;
    static struct arena arena;
    if (started)
        return;
    arena_init(&arena, 1 << 20);
    ASSERT(!failed(settings_default(&spam_scores_setting_table, &arena, &scores)));
    ASSERT(!failed(settings_default(&spam_caps_setting_table, &arena, &caps)));
    ASSERT(!failed(settings_default(&spam_rules_setting_table, &arena, &rules)));
    ASSERT(!failed(settings_default(&spam_lists_setting_table, &arena, &lists)));
    lists.enabled = false;
    struct spam_engine_settings settings = {&scores, &caps, &rules, &lists};
    ASSERT(!failed(spam_engine_start(&settings, SLICE_EMPTY)));
    started = true;
}

static void check(const struct spam_verdict *verdict)
{
    double sum = 0;
    for (unsigned i = 0; i < verdict->symbol_count; i++) {
        const struct spam_symbol *symbol = &verdict->symbols[i];
        ASSERT(spam_symbol_find(symbol->name) < SPAM_SYMBOL_COUNT);
        ASSERT(symbol->reason.size <= SPAM_SYMBOL_REASON_SIZE_MAX);
        for (size_t at = 0; at < symbol->reason.size; at++)
            ASSERT(symbol->reason.data[at] >= ' ' && symbol->reason.data[at] < 0x7f);
        for (unsigned j = 0; j < i; j++)
            ASSERT(!slice_equal(symbol->name, verdict->symbols[j].name));
        sum += symbol->score;
    }
    ASSERT(fabs(sum - verdict->score) < 1e-6);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    start();
    static const slice recipient = {"anna@example.org", 16};
    struct arena arena;
    struct spam_mail mail = {.helo = SLICE("mail.sender.example"),
                             .host = SLICE("mx.example.org"),
                             .sender = SLICE("bert@sender.example"),
                             .recipients = &recipient,
                             .recipient_count = 1,
                             .message = slice_of(data, size),
                             .deadline = TIME_NEVER};
    struct spam_verdict verdict = {.score = 0};
    arena_init(&arena, 1 << 20);
    ASSERT(!failed(spam_engine_judge(&mail, &arena, &verdict)));
    check(&verdict);
    arena_close(&arena);
    return 0;
}
