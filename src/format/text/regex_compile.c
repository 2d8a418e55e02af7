/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The grammar of expressions (IEEE 1003.1 9.5.3), to a program.
 */
#include "base/cursor.h"
#include "base/utf8.h"
#include "format/text/regex_program.h"

struct compiler {
    struct cursor c;
    struct regex_step *steps, *piece; /* `piece`: room for what is repeated */
    struct regex_range *ranges;
    unsigned step_count, range_count, groups, nesting;
    bool nocase;
};

static error malformed(const char *text)
{
    return error_make(ERROR_MALFORMED, text);
}

static error add(struct compiler *c, enum regex_operation operation, int x, int y)
{
    if (c->step_count == REGEX_PROGRAM_MAX)
        return error_make(ERROR_LIMIT, "the expression is too large");
    c->steps[c->step_count++] = (struct regex_step){operation, x, y};
    return OK;
}

/* A split before what begins at `at`: into it, or past it and `more` steps. */
static error insert_split(struct compiler *c, unsigned at, int more)
{
    TRY(add(c, REGEX_SPLIT, 0, 0));
    int size = (int)(c->step_count - at) - 1;
    memmove(&c->steps[at + 1], &c->steps[at], (size_t)size * sizeof *c->steps);
    c->steps[at] = (struct regex_step){REGEX_SPLIT, 1, size + 1 + more};
    return OK;
}

static error take_character(struct compiler *c, uint32_t *out_character)
{
    size_t size = utf8_decode(cursor_rest(&c->c), out_character);
    if (size == 0)
        return malformed(cursor_done(&c->c) ? "the expression ends too early" : "no UTF-8");
    c->c.at += size;
    return OK;
}

/* ---- Brackets ---- */

static error add_range(struct compiler *c, uint32_t first, uint32_t last)
{
    if (first > last)
        return malformed("a range in brackets ends before it begins");
    if (c->range_count == REGEX_RANGES_MAX)
        return error_make(ERROR_LIMIT, "the expression is too large");
    c->ranges[c->range_count++] = (struct regex_range){first, last};
    return OK;
}

static const struct {
    const char *name, *ranges; /* pairs */
} classes[] = {
    {"alpha", "azAZ"},    {"digit", "09"},     {"alnum", "azAZ09"},  {"upper", "AZ"},
    {"lower", "az"},      {"space", "\t\r  "}, {"blank", "\t\t  "},  {"punct", "!/:@[`{~"},
    {"print", " ~"},      {"graph", "!~"},     {"xdigit", "09afAF"}, {"cntrl", "\1\37\177\177"},
    {"word", "azAZ09__"}, /* \w */
};

static error add_class(struct compiler *c, slice name)
{
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
        if (!slice_equal_nocase(name, slice_from_string(classes[i].name)))
            continue;
        for (const char *pair = classes[i].ranges; *pair; pair += 2)
            TRY(add_range(c, (unsigned char)pair[0], (unsigned char)pair[1]));
        return OK;
    }
    return malformed("no such class of characters");
}

/* The end of a range, or a character of its own. */
static error take_element(struct compiler *c, uint32_t *out_character)
{
    slice rest = cursor_rest(&c->c);
    if (slice_starts(rest, SLICE("[.")) || slice_starts(rest, SLICE("[=")))
        return malformed("collating elements are not known");
    return take_character(c, out_character);
}

static error take_bracket_item(struct compiler *c)
{
    uint32_t first, last;
    slice name;
    if (cursor_take(&c->c, SLICE("[:"))) {
        if (!cursor_take_until(&c->c, ':', &name) || !cursor_take(&c->c, SLICE(":]")))
            return malformed("a class of characters has no end");
        return add_class(c, name);
    }
    TRY(take_element(c, &first));
    last = first;
    slice rest = cursor_rest(&c->c);
    if (slice_starts(rest, SLICE("-")) && !slice_starts(rest, SLICE("-]"))) {
        c->c.at++;
        TRY(take_element(c, &last));
    }
    return add_range(c, first, last);
}

/* Behind "[". */
static error take_bracket(struct compiler *c)
{
    unsigned from = c->range_count;
    bool negated = cursor_take_byte(&c->c, '^');
    do /* a "]" that comes first is one of them */
        TRY(take_bracket_item(c));
    while (!cursor_take_byte(&c->c, ']'));
    return add(c, negated ? REGEX_NOT_IN : REGEX_IN, (int)from, (int)(c->range_count - from));
}

/* ---- Atoms ---- */

static error add_character(struct compiler *c, uint32_t character)
{
    if (c->nocase && character < 128)
        character = (unsigned char)ascii_lower((char)character);
    return add(c, REGEX_CHARACTER, (int)character, 0);
}

static error take_escape(struct compiler *c)
{
    uint32_t character;
    unsigned from = c->range_count;
    TRY(take_character(c, &character));
    switch (character) {
    case 'w':
    case 'W':
        TRY(add_class(c, SLICE("word")));
        return add(c, character == 'w' ? REGEX_IN : REGEX_NOT_IN, (int)from,
                   (int)(c->range_count - from));
    case 's':
    case 'S':
        TRY(add_class(c, SLICE("space")));
        return add(c, character == 's' ? REGEX_IN : REGEX_NOT_IN, (int)from,
                   (int)(c->range_count - from));
    case 'b':
        return add(c, REGEX_BORDER, 0, 0);
    case 'B':
        return add(c, REGEX_NO_BORDER, 0, 0);
    default:
        if (character < 128 && ascii_is_digit((char)character))
            return malformed("back-references are not known");
        if (character < 128 && ascii_is_alpha((char)character))
            return malformed("no such letter behind a backslash");
        return add_character(c, character);
    }
}

static error take_alternatives(struct compiler *c);

/* Behind "(". */
static error take_group(struct compiler *c)
{
    unsigned group = ++c->groups;
    bool reported = group <= REGEX_GROUPS_MAX;
    if (++c->nesting > REGEX_NESTING_MAX)
        return error_make(ERROR_LIMIT, "parentheses are nested too deep");
    if (reported)
        TRY(add(c, REGEX_SAVE, 2 * (int)group, 0));
    TRY(take_alternatives(c));
    if (!cursor_take_byte(&c->c, ')'))
        return malformed("a parenthesis has no end");
    c->nesting--;
    return reported ? add(c, REGEX_SAVE, 2 * (int)group + 1, 0) : OK;
}

static error take_atom(struct compiler *c)
{
    uint32_t character;
    TRY(take_character(c, &character));
    switch (character) {
    case '(':
        return take_group(c);
    case '[':
        return take_bracket(c);
    case '.':
        return add(c, REGEX_ANY, 0, 0);
    case '^':
        return add(c, REGEX_BEGIN, 0, 0);
    case '$':
        return add(c, REGEX_END, 0, 0);
    case '\\':
        return take_escape(c);
    case '*':
    case '+':
    case '?':
    case '{':
        return malformed("there is nothing to repeat");
    default:
        return add_character(c, character);
    }
}

/* ---- Repeats ---- */

/* Behind "{". `*most` -1: as often as can be. */
static error take_bounds(struct compiler *c, int *least, int *most)
{
    uint64_t from, to;
    if (!cursor_take_u64(&c->c, UINT32_MAX, &from))
        return malformed("a number is missing in { }");
    to = from;
    *most = 0;
    if (cursor_take_byte(&c->c, ',') && !cursor_take_u64(&c->c, UINT32_MAX, &to))
        *most = -1;
    if (!cursor_take_byte(&c->c, '}'))
        return malformed("a { has no end");
    if (from > REGEX_REPEAT_MAX || to > REGEX_REPEAT_MAX)
        return error_make(ERROR_LIMIT, "a repeat is too large");
    if (*most == 0 && to < from)
        return malformed("a repeat ends before it begins");
    *least = (int)from;
    *most = *most < 0 ? -1 : (int)to;
    return OK;
}

static error add_steps(struct compiler *c, const struct regex_step *steps, int size)
{
    if (c->step_count + (unsigned)size > REGEX_PROGRAM_MAX)
        return error_make(ERROR_LIMIT, "the expression is too large");
    memcpy(&c->steps[c->step_count], steps, (size_t)size * sizeof *steps);
    c->step_count += (unsigned)size;
    return OK;
}

/* What begins at `at`, `least` to `most` times: written out. */
static error repeat(struct compiler *c, unsigned at, int least, int most)
{
    int size = (int)(c->step_count - at);
    memcpy(c->piece, &c->steps[at], (size_t)size * sizeof *c->piece);
    c->step_count = at;
    for (int i = 0; i < least; i++)
        TRY(add_steps(c, c->piece, size));
    if (most < 0) {
        TRY(add(c, REGEX_SPLIT, 1, size + 2));
        TRY(add_steps(c, c->piece, size));
        return add(c, REGEX_JUMP, -size - 1, 0);
    }
    for (int left = most - least; left > 0; left--) {
        TRY(add(c, REGEX_SPLIT, 1, left * (size + 1)));
        TRY(add_steps(c, c->piece, size));
    }
    return OK;
}

static error take_piece(struct compiler *c)
{
    unsigned at = c->step_count;
    int least, most;
    TRY(take_atom(c));
    for (;;) {
        int size = (int)(c->step_count - at);
        if (cursor_take_byte(&c->c, '*')) {
            TRY(insert_split(c, at, 1));
            TRY(add(c, REGEX_JUMP, -size - 1, 0));
        } else if (cursor_take_byte(&c->c, '+')) {
            TRY(add(c, REGEX_SPLIT, -size, 1));
        } else if (cursor_take_byte(&c->c, '?')) {
            TRY(insert_split(c, at, 0));
        } else if (cursor_take_byte(&c->c, '{')) {
            TRY(take_bounds(c, &least, &most));
            TRY(repeat(c, at, least, most));
        } else {
            return OK;
        }
    }
}

static error take_alternatives(struct compiler *c)
{
    int last = -1; /* jump to the end; each knows the one before it */
    for (;;) {
        unsigned at = c->step_count;
        int next = cursor_peek(&c->c);
        while (next >= 0 && next != '|' && next != ')') {
            TRY(take_piece(c));
            next = cursor_peek(&c->c);
        }
        if (!cursor_take_byte(&c->c, '|'))
            break;
        TRY(insert_split(c, at, 1));
        TRY(add(c, REGEX_JUMP, last, 0));
        last = (int)c->step_count - 1;
    }
    while (last >= 0) {
        int before = c->steps[last].x;
        c->steps[last].x = (int)c->step_count - last;
        last = before;
    }
    return OK;
}

static error compile(struct compiler *c)
{
    TRY(add(c, REGEX_SAVE, 0, 0));
    TRY(take_alternatives(c));
    if (!cursor_done(&c->c))
        return malformed("a ) without its (");
    TRY(add(c, REGEX_SAVE, 1, 0));
    return add(c, REGEX_MATCH, 0, 0);
}

/* Steps and ranges are made in scratch memory: most expressions need few of them. */
static error keep(const struct compiler *c, struct arena *arena, const struct regex **out_regex)
{
    struct regex *regex = ARENA_NEW(arena, struct regex);
    struct regex_step *steps = ARENA_ARRAY(arena, struct regex_step, c->step_count);
    struct regex_range *ranges = ARENA_ARRAY(arena, struct regex_range, c->range_count + 1);
    TRY_MEMORY(regex);
    TRY_MEMORY(steps);
    TRY_MEMORY(ranges);
    memcpy(steps, c->steps, c->step_count * sizeof *steps);
    memcpy(ranges, c->ranges, c->range_count * sizeof *ranges);
    unsigned groups = c->groups < REGEX_GROUPS_MAX ? c->groups : REGEX_GROUPS_MAX;
    *regex = (struct regex){steps, ranges, c->step_count, groups + 1, c->nocase};
    *out_regex = regex;
    return OK;
}

error regex_compile(slice pattern, bool nocase, struct arena *arena, const struct regex **out_regex)
{
    struct compiler c = {.c = cursor_over(pattern), .nocase = nocase};
    struct arena scratch;
    if (pattern.size > REGEX_PATTERN_SIZE_MAX)
        return error_make(ERROR_LIMIT, "the expression is too long");
    arena_init(&scratch, 1 << 20);
    c.steps = ARENA_ARRAY(&scratch, struct regex_step, REGEX_PROGRAM_MAX);
    c.piece = ARENA_ARRAY(&scratch, struct regex_step, REGEX_PROGRAM_MAX);
    c.ranges = ARENA_ARRAY(&scratch, struct regex_range, REGEX_RANGES_MAX);
    error problem =
        c.steps && c.piece && c.ranges ? compile(&c) : error_make(ERROR_TEMPORARY, "out of memory");
    if (!failed(problem))
        problem = keep(&c, arena, out_regex);
    arena_close(&scratch);
    return problem;
}
