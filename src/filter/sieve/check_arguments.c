/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Arguments: which tag takes what, which may stand together, what is left for the positions.
 */
#include "base/cursor.h"
#include "base/utf8.h"
#include "filter/sieve/check.h"

#define TAG(name) (1ull << SIEVE_TAG_##name)

/* Of these only one. */
static const struct {
    uint64_t tags;
    const char *what;
} exclusive[] = {
    {TAG(IS) | TAG(CONTAINS) | TAG(MATCHES) | TAG(VALUE) | TAG(COUNT) | TAG(REGEX), "match type"},
    {TAG(QUOTEWILDCARD) | TAG(QUOTEREGEX), "modifier of its kind"},
    {TAG(ALL) | TAG(LOCALPART) | TAG(DOMAIN) | TAG(USER) | TAG(DETAIL), "part of an address"},
    {TAG(DAYS) | TAG(SECONDS), "time"},
    {TAG(ZONE) | TAG(ORIGINALZONE), "time zone"},
    {TAG(RAW) | TAG(TEXT) | TAG(CONTENT), "part of the body"},
    {TAG(OVER) | TAG(UNDER), "limit"},
    {TAG(PERSONAL) | TAG(GLOBAL), "place of scripts"},
    {TAG(HEADER) | TAG(UNIQUEID), "source of the id"},
    {TAG(LOWER) | TAG(UPPER), "modifier of its kind"}, /* RFC 5229 4.1 */
    {TAG(LOWERFIRST) | TAG(UPPERFIRST), "modifier of its kind"},
};

/* ---- Encoded characters ---- */

static bool take_hex(struct cursor *c, unsigned digits_max, uint32_t *out_number)
{
    uint32_t number = 0;
    unsigned digits = 0;
    for (; digits < digits_max && c->at < c->end; digits++, c->at++) {
        char d = ascii_lower(*c->at);
        if (ascii_is_digit(d))
            number = number * 16 + (uint32_t)(d - '0');
        else if (d >= 'a' && d <= 'f')
            number = number * 16 + (uint32_t)(d - 'a' + 10);
        else
            break;
    }
    *out_number = number;
    return digits > 0;
}

static void skip_blanks(struct cursor *c)
{
    while (c->at < c->end && (*c->at == ' ' || *c->at == '\t' || *c->at == '\r' || *c->at == '\n'))
        c->at++;
}

/* False: no such thing stands here, and the text is as it is. */
static bool take_encoded(struct cursor *c, char *out, size_t *size, bool *out_bad)
{
    struct cursor at = *c;
    bool unicode = false;
    size_t begin = *size;
    uint32_t number;
    if (cursor_take_nocase(&at, SLICE("${unicode:")))
        unicode = true;
    else if (!cursor_take_nocase(&at, SLICE("${hex:")))
        return false;
    skip_blanks(&at);
    while (take_hex(&at, unicode ? 8 : 2, &number)) {
        size_t wrote = 1;
        if (unicode)
            *out_bad |= (wrote = utf8_encode(number, out + *size)) == 0;
        else
            out[*size] = (char)number;
        *size += wrote;
        const char *end = at.at;
        skip_blanks(&at);
        if (at.at == end)
            break;
    }
    if (*size == begin || !cursor_take_byte(&at, '}')) {
        *size = begin;
        return false;
    }
    *c = at;
    return true;
}

error sieve_check_encoded(struct sieve_checker *c, unsigned line, slice text, slice *out_text)
{
    struct cursor at = cursor_over(text);
    size_t size = 0;
    bool bad = false;
    *out_text = text;
    if (slice_find(text, SLICE("${")) < 0)
        return OK;
    char *out = arena_alloc_bytes(&c->script->arena, text.size + 4);
    TRY_MEMORY(out);
    while (!cursor_done(&at) && !bad)
        if (!take_encoded(&at, out, &size, &bad))
            out[size++] = *at.at++;
    /* RFC 5228 2.4.2.4: what is no code point is an error; NUL has no place in text. */
    if (bad || memchr(out, '\0', size))
        return sieve_check_fail(c, line, "a ${unicode:} or ${hex:} is no character");
    *out_text = slice_of(out, size);
    return OK;
}

static error decode(struct sieve_checker *c, struct sieve_node *node)
{
    if (!sieve_requires(c->script, SIEVE_EXTENSION_ENCODED_CHARACTER))
        return OK;
    for (unsigned i = 0; i < node->argument_count; i++) {
        const struct sieve_argument *argument = &node->arguments[i];
        bool text = argument->kind == SIEVE_STRING || argument->kind == SIEVE_LIST;
        slice *copy = ARENA_ARRAY(&c->script->arena, slice, argument->count + 1);
        TRY_MEMORY(copy);
        for (unsigned n = 0; text && n < argument->count; n++)
            TRY(sieve_check_encoded(c, argument->line, argument->strings[n], &copy[n]));
        if (text)
            ((struct sieve_argument *)argument)->strings = copy; /* the tree is ours */
    }
    return OK;
}

/* ---- Tags and positions ---- */

static bool fits(const struct sieve_argument *argument, char kind)
{
    return kind == 'n'   ? argument->kind == SIEVE_NUMBER
           : kind == 's' ? argument->kind == SIEVE_STRING
                         : argument->kind == SIEVE_STRING || argument->kind == SIEVE_LIST;
}

static const char *kind_name(char kind)
{
    return kind == 'n' ? "a number" : kind == 's' ? "a string" : "a string or a list of strings";
}

/* Takes the tag at arguments[*at], and its value. */
static error take_tag(struct sieve_checker *c, const struct sieve_node *node, unsigned *at)
{
    const struct sieve_argument *tag = &node->arguments[*at], *value = tag;
    unsigned found = 0;
    while (found < SIEVE_TAGS &&
           !(c->word->tags >> found & 1 &&
             slice_equal_nocase(tag->strings[0], slice_from_string(sieve_tag_words[found].name))))
        found++;
    if (found == SIEVE_TAGS)
        return sieve_check_fail(c, tag->line, "\"%s\" does not take \":%.*s\"", c->word->name,
                                SLICE_ARG(tag->strings[0]));
    const struct sieve_tag_word *word = &sieve_tag_words[found];
    TRY(sieve_check_required(c, tag->line, word->name, word->extension));
    if (c->meaning->tags[found])
        return sieve_check_fail(c, tag->line, "\":%s\" is said twice", word->name);
    if (word->value) {
        value = &node->arguments[++*at];
        if (*at >= node->argument_count || !fits(value, word->value))
            return sieve_check_fail(c, tag->line, "\":%s\" is followed by %s", word->name,
                                    kind_name(word->value));
    }
    c->meaning->tags[found] = value;
    return OK;
}

static error take_positions(struct sieve_checker *c, const struct sieve_node *node, unsigned at)
{
    const char *kinds = c->word->arguments;
    bool first_may_be_missing = kinds[0] == '|';
    kinds += first_may_be_missing;
    size_t wanted = strlen(kinds), given = node->argument_count - at, skipped = 0;
    if (wanted && kinds[wanted - 1] == '|' && --wanted == given + 1)
        wanted = given;
    if (first_may_be_missing && given + 1 == wanted)
        skipped = 1;
    if (given + skipped != wanted)
        return sieve_check_fail(c, node->line,
                                "\"%s\" takes %zu argument%s beside its tags, not %zu",
                                c->word->name, wanted, wanted == 1 ? "" : "s", given);
    for (size_t i = skipped; i < wanted; i++) {
        const struct sieve_argument *argument = &node->arguments[at + i - skipped];
        if (argument->kind == SIEVE_TAG)
            return sieve_check_fail(c, argument->line, "\":%.*s\" must come before other arguments",
                                    SLICE_ARG(argument->strings[0]));
        if (!fits(argument, kinds[i]))
            return sieve_check_fail(c, argument->line, "argument %zu of \"%s\" must be %s", i + 1,
                                    c->word->name, kind_name(kinds[i]));
        c->meaning->positional[i] = argument;
    }
    return OK;
}

static error check_exclusive(struct sieve_checker *c, unsigned line)
{
    for (size_t i = 0; i < sizeof exclusive / sizeof *exclusive; i++) {
        unsigned count = 0;
        for (unsigned tag = 0; tag < SIEVE_TAGS; tag++)
            count += exclusive[i].tags >> tag & 1 && c->meaning->tags[tag];
        if (count > 1)
            return sieve_check_fail(c, line, "\"%s\" takes one %s", c->word->name,
                                    exclusive[i].what);
    }
    return OK;
}

error sieve_check_arguments(struct sieve_checker *c, struct sieve_node *node)
{
    unsigned at = 0;
    TRY(decode(c, node));
    while (at < node->argument_count && node->arguments[at].kind == SIEVE_TAG) {
        TRY(take_tag(c, node, &at));
        at++;
    }
    TRY(take_positions(c, node, at));
    return check_exclusive(c, node->line);
}
