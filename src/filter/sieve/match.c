/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Match types and comparators (RFC 5228 2.7, RFC 5231, RFC 4790 9).
 */
#include "base/cursor.h"
#include "filter/sieve/run.h"
#include "format/text/fold.h"
#include "format/text/regex.h"

#include <stdio.h>

enum { REGEX_WORK_PER_STEP = 16 }; /* steps of an expression that make one of a script */

/* ---- Order ---- */

/* RFC 4790 9.1.1: the digits it begins with; none: more than any number. */
static slice digits_of(slice text)
{
    size_t size = 0, zeros = 0;
    while (size < text.size && ascii_is_digit(text.data[size]))
        size++;
    while (zeros + 1 < size && text.data[zeros] == '0')
        zeros++;
    return slice_sub(text, zeros, size - zeros);
}

static int compare_numbers(slice a, slice b)
{
    a = digits_of(a);
    b = digits_of(b);
    if (a.size == 0 || b.size == 0)
        return (a.size == 0) - (b.size == 0);
    if (a.size != b.size)
        return a.size < b.size ? -1 : 1;
    return slice_compare(a, b);
}

static int compare_nocase(slice a, slice b)
{
    for (size_t i = 0; i < a.size && i < b.size; i++) {
        int order = (unsigned char)ascii_lower(a.data[i]) - (unsigned char)ascii_lower(b.data[i]);
        if (order)
            return order;
    }
    return (a.size > b.size) - (a.size < b.size);
}

static int compare(enum sieve_comparator comparator, slice a, slice b)
{
    switch (comparator) {
    case SIEVE_NUMERIC:
        return compare_numbers(a, b);
    case SIEVE_CASEMAP:
        return compare_nocase(a, b);
    default: /* Unicode: both are folded already */
        return slice_compare(a, b);
    }
}

static bool relation_holds(enum sieve_relation relation, int order)
{
    switch (relation) {
    case SIEVE_GT:
        return order > 0;
    case SIEVE_GE:
        return order >= 0;
    case SIEVE_LT:
        return order < 0;
    case SIEVE_LE:
        return order <= 0;
    case SIEVE_EQ:
        return order == 0;
    default:
        return order != 0;
    }
}

/* ---- Wildcards ---- */

struct glob {
    slice pattern, text;
    bool nocase;
    slice captures[SIEVE_MATCH_VALUES_MAX];
    unsigned capture_count;
    uint64_t work, work_max;
};

static size_t character_size(slice text, size_t at)
{
    size_t size = 1;
    if ((unsigned char)text.data[at] < 0xc0)
        return 1;
    while (at + size < text.size && ((unsigned char)text.data[at + size] & 0xc0) == 0x80)
        size++;
    return size;
}

static void capture(struct glob *glob, unsigned index, size_t from, size_t to)
{
    if (index < SIEVE_MATCH_VALUES_MAX)
        glob->captures[index] = slice_sub(glob->text, from, to - from);
}

static bool same(const struct glob *glob, char a, char b)
{
    return glob->nocase ? ascii_lower(a) == ascii_lower(b) : a == b;
}

/* What "*" covers is as short as can be, from left to right (RFC 5229 3.2); therefore only the last
 * one met ever needs to take more: no more than pattern times text. */
static bool glob_match(struct glob *glob)
{
    slice pattern = glob->pattern, text = glob->text;
    size_t p = 0, t = 0, star = SIZE_MAX, star_from = 0, star_to = 0;
    unsigned index = 1, star_index = 0;
    for (;;) {
        if (glob->work++ == glob->work_max)
            return false;
        char c = p < pattern.size ? pattern.data[p] : '\0';
        if (p < pattern.size && c == '*') {
            star = p++;
            star_from = star_to = t;
            star_index = index;
            capture(glob, index++, t, t);
            if (p == pattern.size) { /* takes the rest */
                capture(glob, star_index, t, text.size);
                t = text.size;
            }
            continue;
        }
        if (p == pattern.size && t == text.size)
            break;
        if (p < pattern.size && t < text.size) {
            size_t width = c == '?' ? character_size(text, t) : 1;
            size_t quoted = c == '\\' && p + 1 < pattern.size;
            if (c == '?')
                capture(glob, index++, t, t + width);
            if (c == '?' || same(glob, pattern.data[p + quoted], text.data[t])) {
                p += 1 + quoted;
                t += width;
                continue;
            }
        }
        if (star == SIZE_MAX || star_to == text.size)
            return false;
        star_to += character_size(text, star_to);
        capture(glob, star_index, star_from, star_to);
        index = star_index + 1;
        p = star + 1;
        t = star_to;
    }
    glob->captures[0] = text;
    glob->capture_count = index < SIEVE_MATCH_VALUES_MAX ? index : SIEVE_MATCH_VALUES_MAX;
    return true;
}

/* As ${0}, ${1} ... (RFC 5229 3.2) */
static error keep_captures(struct sieve_matching *m, const slice *captures, unsigned count)
{
    struct sieve_scope *scope = m->run->scope;
    if (!m->matched || !m->keep_captures)
        return OK;
    scope->matched_count = count < SIEVE_MATCH_VALUES_MAX ? count : SIEVE_MATCH_VALUES_MAX;
    for (unsigned i = 0; i < scope->matched_count; i++)
        TRY(arena_copy(m->run->arena, captures[i], &scope->matched[i]));
    return OK;
}

/* draft-ietf-sieve-regex */
static error match_regex(struct sieve_matching *m, slice value, unsigned key)
{
    struct sieve_run *run = m->run;
    const struct regex *regex = m->meaning->patterns ? m->meaning->patterns[key] : NULL;
    struct regex_match match = {0};
    uint64_t work_max = (SIEVE_STEPS_MAX - run->steps) * REGEX_WORK_PER_STEP;
    if (!regex) {
        TRY(sieve_run_charge(run, (size_t)REGEX_PROGRAM_MAX));
        error problem = regex_compile(m->keys[key], m->meaning->comparator == SIEVE_CASEMAP,
                                      run->arena, &regex);
        if (problem.kind == ERROR_MALFORMED || problem.kind == ERROR_LIMIT)
            return sieve_run_fail(run, "a regex with variables: %s", problem.text);
        TRY(problem);
    }
    error problem = regex_match(regex, value, work_max, &match);
    if (problem.kind == ERROR_LIMIT)
        return sieve_run_fail(run, "%s", problem.text);
    TRY(problem);
    TRY(sieve_run_charge(run, match.work * 256 / REGEX_WORK_PER_STEP));
    m->matched = match.matched;
    return keep_captures(m, match.groups, match.count);
}

static error match_pattern(struct sieve_matching *m, slice value, slice key)
{
    struct sieve_run *run = m->run;
    struct glob glob = {
        .pattern = key, .text = value, .nocase = m->meaning->comparator == SIEVE_CASEMAP};
    glob.work_max = (SIEVE_STEPS_MAX - run->steps) * 64 + 1;
    m->matched = glob_match(&glob);
    TRY(sieve_run_charge(run, glob.work * 4));
    return keep_captures(m, glob.captures, glob.capture_count);
}

/* ---- The test ---- */

error sieve_match_begin(struct sieve_run *run, const struct sieve_meaning *meaning,
                        const struct sieve_argument *keys, struct sieve_matching *out_matching)
{
    *out_matching = (struct sieve_matching){
        .run = run,
        .meaning = meaning,
        .key_count = keys->count,
        .keep_captures = sieve_requires(run->scope->script, SIEVE_EXTENSION_VARIABLES),
    };
    TRY(sieve_expand_list(run, keys, &out_matching->keys));
    if (meaning->comparator != SIEVE_UNICODE)
        return OK;
    slice *folded = ARENA_ARRAY(run->arena, slice, keys->count + 1);
    TRY_MEMORY(folded);
    for (unsigned i = 0; i < keys->count; i++)
        if (text_fold(run->arena, out_matching->keys[i], &folded[i]).kind != ERROR_NONE)
            folded[i] = out_matching->keys[i];
    out_matching->keys = folded;
    return OK;
}

static error match_key(struct sieve_matching *m, slice value, unsigned index)
{
    slice key = m->keys[index];
    const struct sieve_meaning *meaning = m->meaning;
    size_t work = value.size;
    if (meaning->match == SIEVE_CONTAINS && key.size > 16)
        work *= key.size / 16;
    TRY(sieve_run_charge(m->run, work));
    switch (meaning->match) {
    case SIEVE_IS:
        m->matched = compare(meaning->comparator, value, key) == 0;
        return OK;
    case SIEVE_CONTAINS:
        m->matched =
            key.size == 0 || (meaning->comparator == SIEVE_CASEMAP ? slice_find_nocase(value, key)
                                                                   : slice_find(value, key)) >= 0;
        return OK;
    case SIEVE_MATCHES:
        return match_pattern(m, value, key);
    case SIEVE_REGEX:
        return match_regex(m, value, index);
    case SIEVE_VALUE:
        m->matched = relation_holds(meaning->relation, compare(meaning->comparator, value, key));
        return OK;
    default:
        return OK;
    }
}

error sieve_match_value(struct sieve_matching *m, slice value)
{
    slice folded;
    m->count++;
    if (m->matched || m->meaning->match == SIEVE_COUNT)
        return OK;
    TRY(sieve_run_charge(m->run, 0));
    if (m->meaning->comparator == SIEVE_UNICODE) {
        TRY(sieve_run_charge(m->run, value.size * 4));
        error problem = text_fold(m->run->arena, value, &folded);
        if (problem.kind == ERROR_LIMIT)
            return problem;
        if (!failed(problem))
            value = folded;
    }
    for (unsigned i = 0; i < m->key_count && !m->matched; i++)
        TRY(match_key(m, value, i));
    return OK;
}

error sieve_match_end(struct sieve_matching *m, bool *out_matched)
{
    if (m->meaning->match == SIEVE_COUNT) { /* RFC 5231 4.2: a number, whatever the comparator */
        char text[16];
        slice count = slice_of(text, (size_t)snprintf(text, sizeof text, "%u", m->count));
        for (unsigned i = 0; i < m->key_count && !m->matched; i++)
            m->matched = relation_holds(m->meaning->relation, compare_numbers(count, m->keys[i]));
    }
    *out_matched = m->matched;
    return OK;
}
