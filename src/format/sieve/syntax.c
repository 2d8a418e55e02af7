/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/sieve/syntax.h"

#include "base/cursor.h"
#include "base/utf8.h"

struct parser {
    struct cursor c;
    unsigned line, nodes, depth;
    struct arena *arena;
    struct sieve_fault fault;
};

static error fault(struct parser *p, enum error_kind kind, const char *text)
{
    p->fault = (struct sieve_fault){p->line, text};
    return error_make(kind, text);
}

static error malformed(struct parser *p, const char *text)
{
    return fault(p, ERROR_MALFORMED, text);
}

/* ---- White space: blanks, line ends, comments (RFC 5228 8.1) ---- */

static void skip_hash_comment(struct parser *p)
{
    while (cursor_peek(&p->c) >= 0 && *p->c.at != '\n')
        p->c.at++;
}

static error skip_bracket_comment(struct parser *p)
{
    for (;;) {
        if (cursor_done(&p->c))
            return malformed(p, "a comment has no end");
        if (cursor_take(&p->c, SLICE("*/")))
            return OK;
        p->line += *p->c.at == '\n';
        p->c.at++;
    }
}

static error skip_white(struct parser *p)
{
    for (;;) {
        int next = cursor_peek(&p->c);
        if (next == '#') {
            skip_hash_comment(p);
        } else if (cursor_take(&p->c, SLICE("/*"))) {
            TRY(skip_bracket_comment(p));
        } else if (next == ' ' || next == '\t' || next == '\r' || next == '\n') {
            p->line += next == '\n';
            p->c.at++;
        } else {
            return OK;
        }
    }
}

static error take(struct parser *p, char byte, bool *out_taken)
{
    TRY(skip_white(p));
    *out_taken = cursor_take_byte(&p->c, byte);
    return OK;
}

/* ---- Words ---- */

static bool is_identifier(int c, bool first)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           (!first && c >= '0' && c <= '9');
}

static error take_identifier(struct parser *p, slice *out_word)
{
    const char *start = p->c.at;
    if (!is_identifier(cursor_peek(&p->c), true))
        return malformed(p, "expected a word");
    while (is_identifier(cursor_peek(&p->c), false))
        p->c.at++;
    return arena_copy(p->arena, slice_of(start, (size_t)(p->c.at - start)), out_word);
}

/* RFC 5228 2.4.1: K, M, G */
static error take_number(struct parser *p, uint64_t *out_number)
{
    uint64_t number;
    unsigned shift = 0;
    if (!cursor_take_u64(&p->c, UINT64_MAX >> 30, &number))
        return malformed(p, "the number is too large");
    switch (ascii_upper((char)(cursor_peek(&p->c) > 0 ? cursor_peek(&p->c) : ' '))) {
    case 'K':
        shift = 10;
        break;
    case 'M':
        shift = 20;
        break;
    case 'G':
        shift = 30;
        break;
    default:
        break;
    }
    p->c.at += shift > 0;
    if (is_identifier(cursor_peek(&p->c), false))
        return malformed(p, "a number is followed by letters");
    *out_number = number << shift;
    return OK;
}

static error take_quoted(struct parser *p, slice *out_string)
{
    const char *at = p->c.at + 1;
    unsigned line = p->line;
    size_t size = 0;
    while (at < p->c.end && *at != '"')
        at += *at == '\\' && at + 1 < p->c.end ? 2 : 1;
    if (at >= p->c.end)
        return malformed(p, "a string has no end");
    char *copy = arena_alloc_bytes(p->arena, (size_t)(at - p->c.at));
    TRY_MEMORY(copy);
    for (const char *from = p->c.at + 1; from < at; from++) {
        if (*from == '\\')
            from++;
        line += *from == '\n';
        copy[size++] = *from;
    }
    p->line = line;
    p->c.at = at + 1;
    *out_string = slice_of(copy, size);
    return OK;
}

/* What is before the line that is a dot alone. */
static bool find_end(slice text, slice *out_body)
{
    for (size_t at = 0; at < text.size;) {
        slice rest = slice_from(text, at);
        if (slice_starts(rest, SLICE(".\r\n")) || slice_starts(rest, SLICE(".\n")) ||
            slice_equal(rest, SLICE("."))) {
            *out_body = slice_sub(text, 0, at);
            return true;
        }
        ptrdiff_t end = slice_find_byte(rest, '\n');
        if (end < 0)
            return false;
        at += (size_t)end + 1;
    }
    return false;
}

/* "text:" [blanks] [comment] CRLF, lines, "." CRLF (RFC 5228 2.4.2); dots are unstuffed. */
static error take_multiline(struct parser *p, slice *out_string)
{
    cursor_skip_blanks(&p->c);
    if (cursor_peek(&p->c) == '#')
        skip_hash_comment(p);
    (void)cursor_take_byte(&p->c, '\r');
    if (!cursor_take_byte(&p->c, '\n'))
        return malformed(p, "text: ends its line");
    p->line++;
    slice rest = cursor_rest(&p->c), body;
    if (!find_end(rest, &body))
        return malformed(p, "a multi-line string has no end");
    char *copy = arena_alloc_bytes(p->arena, body.size + 1);
    TRY_MEMORY(copy);
    size_t size = 0;
    bool line_begins = true;
    for (size_t i = 0; i < body.size; i++) {
        if (!line_begins || body.data[i] != '.')
            copy[size++] = body.data[i];
        line_begins = body.data[i] == '\n';
        p->line += line_begins;
    }
    p->c.at += body.size;
    (void)cursor_take_byte(&p->c, '.');
    (void)cursor_take_byte(&p->c, '\r');
    p->line += cursor_take_byte(&p->c, '\n'); /* the text may end here */
    *out_string = slice_of(copy, size);
    return OK;
}

static bool starts_string(const struct parser *p)
{
    return cursor_peek(&p->c) == '"' || slice_starts_nocase(cursor_rest(&p->c), SLICE("text:"));
}

static error take_string(struct parser *p, slice *out_string)
{
    if (cursor_peek(&p->c) == '"')
        TRY(take_quoted(p, out_string));
    else if (cursor_take_nocase(&p->c, SLICE("text:")))
        TRY(take_multiline(p, out_string));
    else
        return malformed(p, "expected a string");
    return utf8_is_valid(*out_string) && slice_find_byte(*out_string, '\0') < 0
               ? OK
               : malformed(p, "a string is not UTF-8");
}

/* ---- Arguments ---- */

struct string_chain {
    struct string_chain *next;
    slice string;
};

static error take_list(struct parser *p, struct sieve_argument *out)
{
    struct string_chain *first = NULL, **last = &first;
    unsigned count = 0;
    bool more, closed;
    TRY(take(p, ']', &closed)); /* an empty list: not in the grammar, in many scripts */
    while (!closed) {
        struct string_chain *link = ARENA_NEW(p->arena, struct string_chain);
        TRY_MEMORY(link);
        TRY(skip_white(p));
        TRY(take_string(p, &link->string));
        *last = link;
        last = &link->next;
        count++;
        TRY(take(p, ',', &more));
        if (more)
            continue;
        TRY(take(p, ']', &closed));
        if (!closed)
            return malformed(p, "expected \",\" or \"]\"");
    }
    slice *strings = ARENA_ARRAY(p->arena, slice, count ? count : 1);
    TRY_MEMORY(strings);
    for (unsigned i = 0; first; first = first->next)
        strings[i++] = first->string;
    out->kind = SIEVE_LIST;
    out->strings = strings;
    out->count = count;
    return OK;
}

static error take_one(struct parser *p, struct sieve_argument *out)
{
    slice *string = ARENA_NEW(p->arena, slice);
    TRY_MEMORY(string);
    if (out->kind == SIEVE_TAG)
        TRY(take_identifier(p, string));
    else
        TRY(take_string(p, string));
    out->strings = string;
    out->count = 1;
    return OK;
}

/* False: what comes is no argument. */
static error take_argument(struct parser *p, struct sieve_argument *out, bool *out_taken)
{
    TRY(skip_white(p));
    *out = (struct sieve_argument){.line = p->line};
    *out_taken = true;
    int next = cursor_peek(&p->c);
    if (cursor_take_byte(&p->c, '[')) {
        TRY(take_list(p, out));
    } else if (next >= '0' && next <= '9') {
        out->kind = SIEVE_NUMBER;
        TRY(take_number(p, &out->number));
    } else if (cursor_take_byte(&p->c, ':')) {
        out->kind = SIEVE_TAG;
        TRY(take_one(p, out));
    } else if (starts_string(p)) {
        out->kind = SIEVE_STRING;
        TRY(take_one(p, out));
    } else {
        *out_taken = false;
    }
    return OK;
}

/* Not inlined: its room does not belong into the frames of take_node's recursion. */
__attribute__((noinline)) static error take_arguments(struct parser *p, struct sieve_node *node)
{
    struct sieve_argument room[SIEVE_ARGUMENTS_MAX];
    bool taken;
    for (;;) {
        struct sieve_argument argument;
        TRY(take_argument(p, &argument, &taken));
        if (!taken)
            break;
        if (node->argument_count == SIEVE_ARGUMENTS_MAX)
            return fault(p, ERROR_LIMIT, "too many arguments");
        room[node->argument_count++] = argument;
    }
    struct sieve_argument *kept =
        ARENA_ARRAY(p->arena, struct sieve_argument, node->argument_count + 1);
    TRY_MEMORY(kept);
    memcpy(kept, room, node->argument_count * sizeof *kept);
    node->arguments = kept;
    return OK;
}

/* ---- Tests and commands ---- */

static error take_node(struct parser *p, struct sieve_node **out_node);

static error enter(struct parser *p)
{
    return ++p->depth > SIEVE_NESTING_MAX ? fault(p, ERROR_LIMIT, "nested too deep") : OK;
}

static error take_tests(struct parser *p, struct sieve_node *node)
{
    struct sieve_node **last = &node->tests;
    bool listed, more = true, closed;
    TRY(take(p, '(', &listed));
    node->tests_listed = listed;
    if (!listed && !is_identifier(cursor_peek(&p->c), true))
        return OK;
    TRY(enter(p));
    while (more) {
        TRY(skip_white(p));
        TRY(take_node(p, last));
        last = &(*last)->next;
        more = false;
        if (listed)
            TRY(take(p, ',', &more));
    }
    if (listed) {
        TRY(take(p, ')', &closed));
        if (!closed)
            return malformed(p, "expected \",\" or \")\"");
    }
    p->depth--;
    return OK;
}

/* A word, its arguments, its tests: what commands and tests have in common. */
static error take_node(struct parser *p, struct sieve_node **out_node)
{
    struct sieve_node *node = ARENA_NEW(p->arena, struct sieve_node);
    TRY_MEMORY(node);
    if (++p->nodes > SIEVE_NODES_MAX)
        return fault(p, ERROR_LIMIT, "the script has too many commands");
    node->line = p->line;
    TRY(take_identifier(p, &node->name));
    TRY(take_arguments(p, node));
    TRY(take_tests(p, node));
    *out_node = node;
    return OK;
}

static error take_commands(struct parser *p, bool in_block, struct sieve_node **out_first)
{
    struct sieve_node **last = out_first;
    bool done;
    for (;;) {
        TRY(skip_white(p));
        if (in_block) {
            TRY(take(p, '}', &done));
            if (done)
                return OK;
        }
        if (cursor_done(&p->c))
            return in_block ? malformed(p, "a block has no end") : OK;
        TRY(take_node(p, last));
        struct sieve_node *node = *last;
        TRY(take(p, ';', &done));
        if (!done) {
            TRY(take(p, '{', &node->has_block));
            if (!node->has_block)
                return malformed(p, "expected \";\" or \"{\"");
            TRY(enter(p));
            TRY(take_commands(p, true, &node->block));
            p->depth--;
        }
        last = &node->next;
    }
}

error sieve_parse(slice text, struct arena *arena, struct sieve_node **out_first,
                  struct sieve_fault *out_fault)
{
    struct parser p = {.c = cursor_over(text), .line = 1, .arena = arena};
    struct sieve_node *first = NULL;
    (void)cursor_take(&p.c, SLICE("\xef\xbb\xbf"));
    error problem = take_commands(&p, false, &first);
    if (failed(problem) && !p.fault.text)
        p.fault = (struct sieve_fault){p.line, problem.text};
    *out_fault = p.fault;
    TRY(problem);
    *out_first = first;
    return OK;
}
