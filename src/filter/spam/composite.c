/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "filter/spam/composite.h"

#include "base/assert.h"
#include "base/cursor.h"

#include <limits.h>

struct parser {
    struct cursor at;
    const struct spam_composite_names *names;
    struct spam_composite *composite;
    unsigned depth;
    slice where;
};

static error parse_or(struct parser *parser);

static error emit(struct parser *parser, enum spam_composite_operator operator, unsigned symbol)
{
    struct spam_composite *composite = parser->composite;
    if (composite->step_count == SPAM_COMPOSITE_STEPS_MAX)
        return error_make(ERROR_LIMIT, "an expression of too many names and operators");
    composite->steps[composite->step_count++] =
        (struct spam_composite_step){(uint16_t) operator,(uint16_t) symbol};
    return OK;
}

static bool is_name_byte(int byte)
{
    return byte >= 0 && (ascii_is_alpha((char)byte) || ascii_is_digit((char)byte) || byte == '_');
}

static slice peek_name(struct parser *parser)
{
    cursor_skip_blanks(&parser->at);
    slice rest = cursor_rest(&parser->at);
    size_t size = 0;
    while (size < rest.size && is_name_byte((unsigned char)rest.data[size]))
        size++;
    return slice_sub(rest, 0, size);
}

/* A sign, doubled or not, or its word. */
static bool take_operator(struct parser *parser, char sign, slice word)
{
    slice name = peek_name(parser);
    if (name.size > 0) {
        if (!slice_equal_nocase(name, word))
            return false;
        parser->at.at += name.size;
        return true;
    }
    if (!cursor_take_byte(&parser->at, sign))
        return false;
    if (sign != '!')
        cursor_take_byte(&parser->at, sign);
    return true;
}

static error parse_name(struct parser *parser)
{
    slice name = peek_name(parser);
    parser->where = name.size ? name : cursor_rest(&parser->at);
    if (name.size == 0)
        return error_make(ERROR_MALFORMED, "a symbol is missing");
    unsigned symbol = parser->names->find(parser->names->argument, name);
    if (symbol == UINT_MAX)
        return error_make(ERROR_NOT_FOUND, "no such symbol");
    parser->at.at += name.size;
    return emit(parser, SPAM_COMPOSITE_SYMBOL, symbol);
}

static error parse_factor(struct parser *parser)
{
    if (parser->depth == SPAM_COMPOSITE_DEPTH_MAX)
        return error_make(ERROR_LIMIT, "an expression that is nested too deep");
    parser->depth++;
    error problem;
    if (take_operator(parser, '!', SLICE("not"))) {
        problem = parse_factor(parser);
        if (!failed(problem))
            problem = emit(parser, SPAM_COMPOSITE_NOT, 0);
    } else if (cursor_take_byte(&parser->at, '(')) {
        problem = parse_or(parser);
        cursor_skip_blanks(&parser->at);
        if (!failed(problem) && !cursor_take_byte(&parser->at, ')'))
            problem = error_make(ERROR_MALFORMED, "a closing parenthesis is missing");
    } else {
        problem = parse_name(parser);
    }
    parser->depth--;
    return problem;
}

static error parse_and(struct parser *parser)
{
    TRY(parse_factor(parser));
    while (take_operator(parser, '&', SLICE("and"))) {
        TRY(parse_factor(parser));
        TRY(emit(parser, SPAM_COMPOSITE_AND, 0));
    }
    return OK;
}

static error parse_or(struct parser *parser)
{
    TRY(parse_and(parser));
    while (take_operator(parser, '|', SLICE("or"))) {
        TRY(parse_and(parser));
        TRY(emit(parser, SPAM_COMPOSITE_OR, 0));
    }
    return OK;
}

error spam_composite_parse(slice expression, const struct spam_composite_names *names,
                           struct spam_composite *out_composite, slice *out_where)
{
    struct spam_composite composite = {.step_count = 0};
    struct parser parser = {.at = cursor_over(expression), .names = names, .composite = &composite};
    error problem = parse_or(&parser);
    cursor_skip_blanks(&parser.at);
    if (!failed(problem) && !cursor_done(&parser.at)) {
        parser.where = cursor_rest(&parser.at);
        problem = error_make(ERROR_MALFORMED, "an operator is missing");
    }
    if (failed(problem)) {
        *out_where = parser.where;
        return problem;
    }
    out_composite->step_count = composite.step_count;
    memcpy(out_composite->steps, composite.steps, sizeof composite.steps);
    return OK;
}

bool spam_composite_holds(const struct spam_composite *composite, const uint64_t *found)
{
    bool stack[SPAM_COMPOSITE_STEPS_MAX];
    unsigned depth = 0;
    for (unsigned i = 0; i < composite->step_count; i++) {
        const struct spam_composite_step *step = &composite->steps[i];
        switch ((enum spam_composite_operator)step->operator) {
        case SPAM_COMPOSITE_SYMBOL:
            stack[depth++] = found[step->symbol / 64] >> (step->symbol % 64) & 1;
            break;
        case SPAM_COMPOSITE_NOT:
            stack[depth - 1] = !stack[depth - 1];
            break;
        case SPAM_COMPOSITE_AND:
            depth--;
            stack[depth - 1] &= stack[depth];
            break;
        case SPAM_COMPOSITE_OR:
            depth--;
            stack[depth - 1] |= stack[depth];
            break;
        }
    }
    ASSERT(depth == 1);
    return stack[0];
}
