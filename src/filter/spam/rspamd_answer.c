/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What rspamd says, taken apart. Members that are not known are passed over; what is of another
 * type than expected counts as missing.
 */
#include "filter/spam/rspamd.h"
#include "format/json/read.h"

#include <math.h>

struct answer {
    struct json_reader json;
    struct arena *arena;
    struct spam_verdict *verdict;
    bool has_score;
    double score, required;
    double mark_score; /* the least score that leads to a mark; 0: unknown */
    slice action, message;
};

/* ["a", "b"] becomes "a, b" */
static error read_options(struct answer *answer, slice *out_reason)
{
    struct buffer reason;
    slice option;
    error problem = OK;
    buffer_init(&reason, SPAM_SYMBOL_REASON_SIZE_MAX + SPAM_RSPAMD_ANSWER_SIZE_MAX);
    while (json_read_item(&answer->json)) {
        if (!json_read_text(&answer->json, &option) || reason.size > SPAM_SYMBOL_REASON_SIZE_MAX)
            continue;
        buffer_add_string(&reason, reason.size ? ", " : "");
        buffer_add(&reason, option);
    }
    problem = buffer_check(&reason);
    if (!failed(problem) && reason.size)
        problem = arena_copy(answer->arena,
                             slice_sub(buffer_slice(&reason), 0, SPAM_SYMBOL_REASON_SIZE_MAX),
                             out_reason);
    buffer_close(&reason);
    return problem;
}

/* What a symbol found is a better reason than what it is for. */
static error read_symbol(struct answer *answer, slice name)
{
    struct json_reader *json = &answer->json;
    struct spam_symbol symbol = {.name = name};
    slice member, description = SLICE_EMPTY;
    if (!json_read_object(json))
        return OK;
    while (json_read_member(json, &member)) {
        if (slice_equal(member, SLICE("score")))
            (void)json_read_decimal(json, &symbol.score);
        else if (slice_equal(member, SLICE("description")))
            (void)json_read_text(json, &description);
        else if (slice_equal(member, SLICE("options")) && json_read_array(json))
            TRY(read_options(answer, &symbol.reason));
    }
    if (symbol.reason.size == 0)
        symbol.reason = description;
    return spam_verdict_add(answer->verdict, &symbol, answer->arena);
}

static error read_symbols(struct answer *answer)
{
    slice name;
    while (json_read_member(&answer->json, &name))
        TRY(read_symbol(answer, name));
    return OK;
}

static bool is_mark(slice action)
{
    return slice_equal(action, SLICE("add header")) ||
           slice_equal(action, SLICE("rewrite subject")) ||
           slice_equal(action, SLICE("quarantine"));
}

static void read_thresholds(struct answer *answer)
{
    slice name;
    double score;
    while (json_read_member(&answer->json, &name))
        if (is_mark(name) && json_read_decimal(&answer->json, &score) &&
            (answer->mark_score == 0 || score < answer->mark_score))
            answer->mark_score = score;
}

static void read_messages(struct answer *answer)
{
    slice name;
    while (json_read_member(&answer->json, &name))
        if (slice_equal(name, SLICE("smtp_message")))
            (void)json_read_text(&answer->json, &answer->message);
}

static error read_members(struct answer *answer)
{
    struct json_reader *json = &answer->json;
    slice name;
    while (json_read_member(json, &name)) {
        if (slice_equal(name, SLICE("score")))
            answer->has_score = json_read_decimal(json, &answer->score);
        else if (slice_equal(name, SLICE("required_score")))
            (void)json_read_decimal(json, &answer->required);
        else if (slice_equal(name, SLICE("action")))
            (void)json_read_text(json, &answer->action);
        else if (slice_equal(name, SLICE("symbols")) && json_read_object(json))
            TRY(read_symbols(answer));
        else if (slice_equal(name, SLICE("thresholds")) && json_read_object(json))
            read_thresholds(answer);
        else if (slice_equal(name, SLICE("messages")) && json_read_object(json))
            read_messages(answer);
    }
    return OK;
}

/* What rspamd decided without regard to the score. */
static enum spam_action forced_action(const struct answer *answer)
{
    slice action = answer->action;
    if (slice_equal(action, SLICE("greylist")) || slice_equal(action, SLICE("soft reject")))
        return SPAM_DELAY;
    if (slice_equal(action, SLICE("reject")) || slice_equal(action, SLICE("discard")))
        return answer->score < answer->required || answer->message.size ? SPAM_REFUSE : SPAM_ACCEPT;
    if (is_mark(action) && (answer->score < answer->mark_score || answer->message.size))
        return SPAM_JUNK;
    return SPAM_ACCEPT;
}

error spam_rspamd_answer_parse(slice json, struct arena *arena, struct spam_verdict *verdict,
                               enum spam_action *out_action)
{
    struct answer answer = {.arena = arena, .verdict = verdict};
    json_read_begin(&answer.json, json, arena);
    if (json_read_object(&answer.json))
        TRY(read_members(&answer));
    TRY(json_read_end(&answer.json));
    if (!answer.has_score || answer.action.size == 0)
        return error_make(ERROR_MALFORMED, "what answered is not rspamd: no score, or no action");
    answer.score = fmax(-SPAM_SCORE_MAX, fmin(SPAM_SCORE_MAX, answer.score));
    verdict->score = answer.score; /* groups may have caps: it is not always the symbols' sum */
    TRY(arena_copy(arena, slice_sub(answer.message, 0, SPAM_REPLY_SIZE_MAX), &verdict->reply));
    *out_action = forced_action(&answer);
    return OK;
}
