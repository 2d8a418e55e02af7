/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Runs a program over a text: all ways through it at once, those of higher rank first.
 */
#include "format/text/regex.h"

#include "base/utf8.h"
#include "format/text/regex_program.h"

#include <stdlib.h>

enum { NOWHERE = UINT32_MAX };

/* Ways that wait for the next character, by rank. */
struct ways {
    uint32_t *steps;
    uint32_t *places; /* `slots` of each */
    unsigned count;
};

/* A step to go on with, or (slot >= 0) a place to be put back. */
struct pending {
    uint32_t step;
    int32_t slot;
};

struct machine {
    const struct regex *regex;
    slice text;
    size_t at;
    unsigned slots;
    struct ways now, next;
    uint32_t *met; /* per step: the round in which it was met last */
    uint32_t round;
    uint32_t *places, *best;
    struct pending *stack;
    uint64_t work, work_max;
    bool matched;
};

static bool is_word(slice text, size_t at)
{
    if (at >= text.size)
        return false;
    char c = text.data[at];
    return ascii_is_alpha(c) || ascii_is_digit(c) || c == '_';
}

static bool is_border(const struct machine *m)
{
    return (m->at > 0 && is_word(m->text, m->at - 1)) != is_word(m->text, m->at);
}

/* Does a step that takes nothing let us pass here? */
static bool passes(const struct machine *m, enum regex_operation operation)
{
    switch (operation) {
    case REGEX_BEGIN:
        return m->at == 0;
    case REGEX_END:
        return m->at == m->text.size;
    case REGEX_BORDER:
        return is_border(m);
    default:
        return !is_border(m);
    }
}

static void wait_at(struct machine *m, struct ways *ways, uint32_t step)
{
    ways->steps[ways->count] = step;
    memcpy(&ways->places[ways->count * m->slots], m->places, m->slots * sizeof *m->places);
    ways->count++;
}

/* Follows what takes nothing, from `step` on. Each step is met once a round: whoever comes second
 * has the lower rank, and the same future. A stack of our own: no more than two entries a step. */
static void follow(struct machine *m, struct ways *ways, uint32_t step)
{
    unsigned depth = 0;
    m->stack[depth++] = (struct pending){step, -1};
    while (depth > 0) {
        struct pending top = m->stack[--depth];
        if (top.slot >= 0) {
            m->places[top.slot] = top.step;
            continue;
        }
        if (m->met[top.step] == m->round)
            continue;
        m->met[top.step] = m->round;
        m->work++;
        const struct regex_step *s = &m->regex->steps[top.step];
        switch (s->operation) {
        case REGEX_SPLIT:
            m->stack[depth++] = (struct pending){(uint32_t)((int32_t)top.step + s->y), -1};
            m->stack[depth++] = (struct pending){(uint32_t)((int32_t)top.step + s->x), -1};
            break;
        case REGEX_JUMP:
            m->stack[depth++] = (struct pending){(uint32_t)((int32_t)top.step + s->x), -1};
            break;
        case REGEX_SAVE:
            m->stack[depth++] = (struct pending){m->places[s->x], s->x};
            m->places[s->x] = (uint32_t)m->at;
            m->stack[depth++] = (struct pending){top.step + 1, -1};
            break;
        case REGEX_BEGIN:
        case REGEX_END:
        case REGEX_BORDER:
        case REGEX_NO_BORDER:
            if (passes(m, s->operation))
                m->stack[depth++] = (struct pending){top.step + 1, -1};
            break;
        default:
            wait_at(m, ways, top.step);
        }
    }
}

static bool is_in(const struct regex *regex, const struct regex_step *s, uint32_t character)
{
    for (int i = 0; i < s->y; i++) {
        const struct regex_range *range = &regex->ranges[s->x + i];
        if (character >= range->first && character <= range->last)
            return true;
    }
    return false;
}

static bool takes(const struct regex *regex, const struct regex_step *s, uint32_t character)
{
    bool ascii = regex->nocase && character < 128;
    uint32_t lower = ascii ? (unsigned char)ascii_lower((char)character) : character;
    uint32_t upper = ascii ? (unsigned char)ascii_upper((char)character) : character;
    bool in;
    switch (s->operation) {
    case REGEX_CHARACTER:
        return (uint32_t)s->x == lower;
    case REGEX_ANY:
        return true;
    default:
        in = is_in(regex, s, lower) || (upper != lower && is_in(regex, s, upper));
        return in == (s->operation == REGEX_IN);
    }
}

/* The leftmost, of those the longest; of the same length the one of highest rank, which comes
 * first. */
static void note_match(struct machine *m, const uint32_t *places)
{
    if (m->matched &&
        (places[0] > m->best[0] || (places[0] == m->best[0] && places[1] <= m->best[1])))
        return;
    memcpy(m->best, places, m->slots * sizeof *places);
    m->matched = true;
}

/* Every way takes the character here, or ends. */
static void advance(struct machine *m)
{
    uint32_t character = 0;
    size_t size = 0;
    if (m->at < m->text.size) {
        size = utf8_decode(slice_from(m->text, m->at), &character);
        if (size == 0) { /* a byte of its own: no code point is that high */
            character = 0x200000 + (unsigned char)m->text.data[m->at];
            size = 1;
        }
    }
    m->at += size;
    m->round++;
    m->next.count = 0;
    for (unsigned i = 0; i < m->now.count; i++) {
        const struct regex_step *s = &m->regex->steps[m->now.steps[i]];
        const uint32_t *places = &m->now.places[i * m->slots];
        m->work +=
            1 + (s->operation == REGEX_IN || s->operation == REGEX_NOT_IN ? (unsigned)s->y : 0);
        if (s->operation == REGEX_MATCH) {
            note_match(m, places);
        } else if (size > 0 && takes(m->regex, s, character)) {
            memcpy(m->places, places, m->slots * sizeof *places);
            follow(m, &m->next, m->now.steps[i] + 1);
        }
    }
    struct ways done = m->now;
    m->now = m->next;
    m->next = done;
}

static error run(struct machine *m)
{
    m->round = 1;
    for (;;) {
        bool last = m->at == m->text.size;
        if (!m->matched) { /* a match that begins here is worth less than those under way */
            memset(m->places, 0xff, m->slots * sizeof *m->places);
            follow(m, &m->now, 0);
        }
        if (m->now.count == 0 && m->matched)
            return OK;
        advance(m);
        if (m->work > m->work_max)
            return error_make(ERROR_LIMIT, "the expression has too much to do");
        if (last)
            return OK;
    }
}

static void report(const struct machine *m, struct regex_match *out)
{
    for (unsigned i = 0; m->matched && i < m->regex->group_count; i++) {
        uint32_t from = m->best[2 * i], to = m->best[2 * i + 1];
        if (from != NOWHERE && to != NOWHERE && from <= to)
            out->groups[i] = m->text.data ? slice_sub(m->text, from, to - from) : SLICE("");
    }
    out->matched = m->matched;
    out->count = m->regex->group_count;
    out->work = m->work;
}

error regex_match(const struct regex *regex, slice text, uint64_t work_max,
                  struct regex_match *out_match)
{
    size_t steps = regex->step_count, slots = 2 * (size_t)regex->group_count;
    struct machine m = {.regex = regex,
                        .text = text,
                        .slots = (unsigned)slots,
                        .work = steps * slots / 16,
                        /* memory to clear */ .work_max = work_max};
    if (text.size >= NOWHERE)
        return error_make(ERROR_LIMIT, "the text is too long");
    /* met, both lists of ways, two sets of places, and the stack */
    uint32_t *room =
        calloc(steps + 2 * steps * (1 + slots) + 2 * slots + 2 * (2 * steps + 2), sizeof *room);
    TRY_MEMORY(room);
    m.met = room;
    m.now.steps = m.met + steps;
    m.now.places = m.now.steps + steps;
    m.next.steps = m.now.places + steps * slots;
    m.next.places = m.next.steps + steps;
    m.places = m.next.places + steps * slots;
    m.best = m.places + slots;
    m.stack = (struct pending *)(m.best + slots);
    *out_match = (struct regex_match){0};
    error problem = run(&m);
    report(&m, out_match);
    free(room);
    return problem;
}
