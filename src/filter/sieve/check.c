/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Gives every command and test of a tree its meaning, or says what is wrong and where.
 */
#include "filter/sieve/check.h"

#include <stdarg.h>
#include <stdio.h>

enum truth { TRUTH_NO, TRUTH_YES, TRUTH_UNKNOWN };

error sieve_check_fail(struct sieve_checker *c, unsigned line, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(c->problem->text, sizeof c->problem->text, format, arguments);
    va_end(arguments);
    c->problem->line = line;
    return error_make(ERROR_MALFORMED, "the script has an error");
}

error sieve_check_required(struct sieve_checker *c, unsigned line, const char *what,
                           enum sieve_extension extension)
{
    if (extension == SIEVE_EXTENSION_NONE || sieve_requires(c->script, extension))
        return OK;
    return sieve_check_fail(c, line, "\"%s\" needs: require \"%s\";", what,
                            sieve_extension_names[extension]);
}

static void require(struct sieve_checker *c, enum sieve_extension extension)
{
    uint64_t *required = &c->script->required;
    *required |= 1ull << extension;
    if (extension == SIEVE_EXTENSION_SPAMTESTPLUS) /* RFC 5235 2.1 */
        *required |= 1ull << SIEVE_EXTENSION_SPAMTEST;
    if (extension == SIEVE_EXTENSION_VACATION_SECONDS) /* RFC 6131 2 */
        *required |= 1ull << SIEVE_EXTENSION_VACATION;
}

/* RFC 5228 3.2 */
static error check_require(struct sieve_checker *c, const struct sieve_node *node, bool top)
{
    const struct sieve_argument *list = c->meaning->positional[0];
    if (c->past_require || !top)
        return sieve_check_fail(c, node->line, "\"require\" must come before other commands");
    for (unsigned i = 0; i < list->count; i++) {
        enum sieve_extension extension = sieve_extension_find(list->strings[i]);
        if (extension == SIEVE_EXTENSION_NONE)
            return sieve_check_fail(c, list->line, "extension \"%.*s\" is not known here",
                                    SLICE_ARG(list->strings[i]));
        require(c, extension);
    }
    return OK;
}

/* RFC 5463 4: what it asks for may be used from here on. */
static void check_ihave(struct sieve_checker *c)
{
    const struct sieve_argument *list = c->meaning->positional[0];
    for (unsigned i = 0; i < list->count; i++) {
        enum sieve_extension extension = sieve_extension_find(list->strings[i]);
        if (extension != SIEVE_EXTENSION_NONE)
            require(c, extension);
    }
}

static int find_verb(slice name, unsigned from, unsigned to)
{
    for (unsigned i = from; i < to; i++)
        if (slice_equal_nocase(name, slice_from_string(sieve_words[i].name)))
            return (int)i;
    return -1;
}

static error begin(struct sieve_checker *c, struct sieve_node *node, bool test)
{
    unsigned from = test ? SIEVE_VERB_FIRST_TEST : 0,
             to = test ? SIEVE_VERB_COUNT : SIEVE_VERB_FIRST_TEST;
    int verb = find_verb(node->name, from, to);
    if (verb < 0 && find_verb(node->name, 0, SIEVE_VERB_COUNT) >= 0)
        return sieve_check_fail(c, node->line, "\"%.*s\" is a %s; expected a %s",
                                SLICE_ARG(node->name), test ? "command" : "test",
                                test ? "test" : "command");
    if (verb < 0)
        return sieve_check_fail(c, node->line, "unknown %s \"%.*s\"", test ? "test" : "command",
                                SLICE_ARG(node->name));
    c->word = &sieve_words[verb];
    c->meaning = ARENA_NEW(&c->script->arena, struct sieve_meaning);
    TRY_MEMORY(c->meaning);
    c->meaning->verb = (enum sieve_verb)verb;
    TRY(sieve_check_required(c, node->line, c->word->name, c->word->extension));
    TRY(sieve_check_arguments(c, node));
    return sieve_check_verb(c, node);
}

static error check_shape(struct sieve_checker *c, const struct sieve_node *node,
                         const struct sieve_word *word)
{
    if (!word->tests && node->tests && !node->tests_listed)
        return sieve_check_fail(c, node->line, "\";\" is missing after \"%s\"", word->name);
    if (!word->tests && node->tests_listed)
        return sieve_check_fail(c, node->line, "\"%s\" takes no test", word->name);
    if (word->tests == '1' && (!node->tests || node->tests_listed))
        return sieve_check_fail(c, node->line, "\"%s\" takes one test; several need allof or anyof",
                                word->name);
    if (word->tests == '+' && !node->tests_listed)
        return sieve_check_fail(c, node->line, "\"%s\" takes a list of tests: (..., ...)",
                                word->name);
    if (word->block != node->has_block)
        return sieve_check_fail(c, node->line, "\"%s\" %s", word->name,
                                word->block ? "needs a block: { ... }" : "takes no block");
    return OK;
}

static enum truth truth_of_ihave(const struct sieve_argument *list)
{
    for (unsigned i = 0; i < list->count; i++)
        if (sieve_extension_find(list->strings[i]) == SIEVE_EXTENSION_NONE)
            return TRUTH_NO;
    return TRUTH_YES;
}

/* What is known of a test before any mail is there: so that a block which only an unknown extension
 * could make sense of is not looked at (RFC 5463 4). */
static enum truth truth_of(const struct sieve_node *node)
{
    const struct sieve_meaning *meaning = sieve_meaning_of(node);
    bool all = meaning->verb == SIEVE_VERB_ALLOF;
    enum truth inner, sum = all ? TRUTH_YES : TRUTH_NO;
    switch (meaning->verb) {
    case SIEVE_VERB_IHAVE:
        return truth_of_ihave(meaning->positional[0]);
    case SIEVE_VERB_NOT:
        inner = truth_of(node->tests);
        return inner == TRUTH_UNKNOWN ? inner : inner == TRUTH_YES ? TRUTH_NO : TRUTH_YES;
    case SIEVE_VERB_ALLOF:
    case SIEVE_VERB_ANYOF:
        for (const struct sieve_node *test = node->tests; test; test = test->next) {
            inner = truth_of(test);
            if (inner == (all ? TRUTH_NO : TRUTH_YES))
                return inner;
            if (inner == TRUTH_UNKNOWN)
                sum = inner;
        }
        return sum;
    default:
        return TRUTH_UNKNOWN;
    }
}

static error check_test(struct sieve_checker *c, struct sieve_node *node)
{
    TRY(begin(c, node, true));
    const struct sieve_word *word = c->word;
    node->meaning = c->meaning;
    if (c->meaning->verb == SIEVE_VERB_IHAVE)
        check_ihave(c);
    TRY(check_shape(c, node, word));
    bool all = sieve_meaning_of(node)->verb == SIEVE_VERB_ALLOF;
    for (struct sieve_node *test = node->tests; test; test = test->next) {
        TRY(check_test(c, test));
        if (all && truth_of(test) == TRUTH_NO) { /* the others are never asked */
            test->next = NULL;
            break;
        }
    }
    return OK;
}

static error check_commands(struct sieve_checker *c, struct sieve_node *first, bool top);

/* `*chain`: is one of the ifs before it in its chain known to be taken? */
static error check_branch(struct sieve_checker *c, struct sieve_node *node, enum truth *chain)
{
    enum truth own = TRUTH_UNKNOWN;
    if (node->tests) {
        TRY(check_test(c, node->tests));
        own = truth_of(node->tests);
    }
    if (own != TRUTH_NO && *chain != TRUTH_YES)
        TRY(check_commands(c, node->block, false));
    if (own == TRUTH_YES)
        *chain = TRUTH_YES;
    return OK;
}

static error check_commands(struct sieve_checker *c, struct sieve_node *first, bool top)
{
    bool in_chain = false;
    enum truth chain = TRUTH_UNKNOWN;
    for (struct sieve_node *node = first; node; node = node->next) {
        TRY(begin(c, node, false));
        const struct sieve_meaning *meaning = node->meaning = c->meaning;
        enum sieve_verb verb = meaning->verb;
        TRY(check_shape(c, node, c->word));
        if (verb == SIEVE_VERB_REQUIRE)
            TRY(check_require(c, node, top));
        else
            c->past_require = true;
        if ((verb == SIEVE_VERB_ELSIF || verb == SIEVE_VERB_ELSE) && !in_chain)
            return sieve_check_fail(c, node->line, "\"%s\" without \"if\" before it",
                                    c->word->name);
        if (verb == SIEVE_VERB_IF)
            chain = TRUTH_UNKNOWN;
        if (c->word->block)
            TRY(check_branch(c, node, &chain));
        in_chain = verb == SIEVE_VERB_IF || verb == SIEVE_VERB_ELSIF;
    }
    return OK;
}

error sieve_compile(slice text, struct sieve_script **out_script, struct sieve_problem *out_problem)
{
    struct arena arena;
    struct sieve_fault fault = {0};
    struct sieve_problem problem = {0};
    arena_init(&arena, SIEVE_SCRIPT_MEMORY_MAX);
    struct sieve_script *script = ARENA_NEW(&arena, struct sieve_script);
    error outcome = error_make(ERROR_LIMIT, "the script is too large");
    if (script && text.size <= SIEVE_SCRIPT_SIZE_MAX) {
        outcome = sieve_parse(text, &arena, &script->first, &fault);
        script->arena = arena;
        struct sieve_checker c = {.script = script, .problem = &problem};
        if (!failed(outcome))
            outcome = check_commands(&c, script->first, true);
        arena = script->arena;
    }
    if (!failed(outcome)) {
        *out_script = script;
        return OK;
    }
    if (!problem.text[0]) {
        problem.line = fault.text ? fault.line : 1;
        snprintf(problem.text, sizeof problem.text, "%s", fault.text ? fault.text : outcome.text);
    }
    arena_close(&arena);
    *out_problem = problem;
    return outcome;
}

void sieve_script_destroy(struct sieve_script **script)
{
    if (!*script)
        return;
    struct arena arena = (*script)->arena; /* the script lies in it */
    *script = NULL;
    arena_close(&arena);
}
