/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/ucl/parse.h"

#include "base/buffer.h"
#include "base/cursor.h"
#include "base/utf8.h"

struct parser {
    struct cursor at;
    unsigned line;
    unsigned depth;
    unsigned entries;
    struct arena *arena;
    struct ucl_entry **last;
    size_t path_size;
    char path[UCL_PATH_SIZE_MAX];
};

static error malformed(const char *text)
{
    return error_make(ERROR_MALFORMED, text);
}

static int peek(const struct parser *parser)
{
    return cursor_peek(&parser->at);
}

static void step(struct parser *parser)
{
    parser->line += *parser->at.at == '\n';
    parser->at.at++;
}

static bool is_blank(int byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r';
}

static bool is_name_byte(int byte)
{
    return byte == '_' || byte == '-' || byte == '.' || byte >= 0x80 ||
           ascii_is_alpha((char)byte) || (byte >= '0' && byte <= '9');
}

static error skip_comment(struct parser *parser)
{
    if (peek(parser) == '#') {
        while (!cursor_done(&parser->at) && peek(parser) != '\n')
            step(parser);
        return OK;
    }
    while (!slice_starts(cursor_rest(&parser->at), SLICE("*/"))) {
        if (cursor_done(&parser->at))
            return malformed("a comment that does not end");
        step(parser);
    }
    return cursor_take(&parser->at, SLICE("*/")) ? OK : malformed("a comment that does not end");
}

/* Blanks and comments; also line ends and separators, where `lines` allows them. */
static error skip(struct parser *parser, const char *more)
{
    for (;;) {
        int byte = peek(parser);
        if (byte == '#' || slice_starts(cursor_rest(&parser->at), SLICE("/*")))
            TRY(skip_comment(parser));
        else if (byte >= 0 && (is_blank(byte) || (byte != 0 && strchr(more, byte))))
            step(parser);
        else
            return OK;
    }
}

static error take_escape(struct parser *parser, struct buffer *out)
{
    int byte = peek(parser);
    if (byte < 0)
        return malformed("a text that does not end");
    step(parser);
    switch (byte) {
    case 'n':
        buffer_add_byte(out, '\n');
        return OK;
    case 'r':
        buffer_add_byte(out, '\r');
        return OK;
    case 't':
        buffer_add_byte(out, '\t');
        return OK;
    case 'u': {
        uint32_t point = 0;
        for (int i = 0; i < 4; i++) {
            char digit = ascii_lower((char)peek(parser));
            if (!ascii_is_digit(digit) && !(digit >= 'a' && digit <= 'f'))
                return malformed("a broken \\u escape");
            point = point << 4 | (uint32_t)(digit <= '9' ? digit - '0' : digit - 'a' + 10);
            step(parser);
        }
        char encoded[4];
        size_t size = point ? utf8_encode(point, encoded) : 0;
        if (size == 0)
            return malformed("a \\u escape that is no character");
        buffer_add(out, slice_of(encoded, size));
        return OK;
    }
    default: /* \" \\ \/ and whatever else stands for itself */
        buffer_add_byte(out, (char)byte);
        return OK;
    }
}

static error take_quoted(struct parser *parser, slice *out_text)
{
    char quote = (char)peek(parser);
    step(parser);
    struct buffer text;
    buffer_init(&text, UCL_TEXT_SIZE_MAX);
    error problem = OK;
    while (!failed(problem)) {
        int byte = peek(parser);
        if (byte < 0 || byte == '\n' || byte == 0) {
            problem = malformed("a text that does not end on its line");
            break;
        }
        step(parser);
        if (byte == quote)
            break;
        if (byte == '\\' && quote == '"')
            problem = take_escape(parser, &text);
        else
            buffer_add_byte(&text, (char)byte);
    }
    if (!failed(problem))
        problem = buffer_check(&text);
    if (!failed(problem))
        problem = arena_copy(parser->arena, buffer_slice(&text), out_text);
    buffer_close(&text);
    return problem;
}

/* Up to what ends a value; a '#' only ends it after a blank, so that it may stand in passwords. */
static error take_bare(struct parser *parser, slice *out_text)
{
    const char *start = parser->at.at;
    int before = ' ';
    for (int byte; (byte = peek(parser)) >= 0; before = byte) {
        if (strchr("\n;,]}", byte) || (byte == '#' && is_blank(before)) ||
            slice_starts(cursor_rest(&parser->at), SLICE("/*")))
            break;
        if (byte == '{' || byte == '[' || byte == '"')
            return malformed("this character needs the value to stand in quotes");
        step(parser);
    }
    *out_text = slice_trim(slice_of(start, (size_t)(parser->at.at - start)));
    return out_text->size > 0 ? OK : malformed("a name without a value");
}

static error take_scalar(struct parser *parser, slice *out_text)
{
    int byte = peek(parser);
    return byte == '"' || byte == '\'' ? take_quoted(parser, out_text)
                                       : take_bare(parser, out_text);
}

static error take_list(struct parser *parser, struct ucl_entry *entry)
{
    size_t capacity = 0;
    slice *items = NULL;
    step(parser);
    entry->is_list = true;
    for (;;) {
        TRY(skip(parser, "\n,"));
        if (cursor_take_byte(&parser->at, ']'))
            break;
        if (cursor_done(&parser->at))
            return malformed("a list that does not end");
        if (peek(parser) == '{' || peek(parser) == '[')
            return malformed("a list of sections or lists has no meaning here");
        if (entry->count == UCL_ITEMS_MAX)
            return error_make(ERROR_LIMIT, "a list with too many items");
        if (entry->count == capacity) {
            capacity = capacity ? 2 * capacity : 8;
            slice *more = ARENA_ARRAY(parser->arena, slice, capacity);
            TRY_MEMORY(more);
            if (entry->count > 0)
                memcpy(more, items, entry->count * sizeof *items);
            items = more;
        }
        TRY(take_scalar(parser, &items[entry->count]));
        entry->count++;
    }
    entry->values = items;
    return OK;
}

static error take_value(struct parser *parser, unsigned line)
{
    if (parser->entries == UCL_ENTRIES_MAX)
        return error_make(ERROR_LIMIT, "more settings than a file may have");
    struct ucl_entry *entry = ARENA_NEW(parser->arena, struct ucl_entry);
    TRY_MEMORY(entry);
    entry->line = line;
    TRY(arena_copy(parser->arena, slice_of(parser->path, parser->path_size), &entry->path));
    if (peek(parser) == '[') {
        TRY(take_list(parser, entry));
    } else {
        slice *value = ARENA_NEW(parser->arena, slice);
        TRY_MEMORY(value);
        TRY(take_scalar(parser, value));
        entry->values = value;
        entry->count = 1;
    }
    parser->entries++;
    *parser->last = entry;
    parser->last = &entry->next;
    /* What may follow: a separator, the line's end, or the end of the section. */
    TRY(skip(parser, ""));
    int byte = peek(parser);
    if (byte >= 0 && (byte == 0 || !strchr("\n;,}", byte)))
        return malformed("something behind a value: is a ';' missing?");
    return OK;
}

static error push_name(struct parser *parser, slice name)
{
    size_t dot = parser->path_size > 0;
    if (name.size == 0)
        return malformed("an empty name");
    if (parser->path_size + dot + name.size > sizeof parser->path)
        return error_make(ERROR_LIMIT, "a name that is too long");
    if (dot)
        parser->path[parser->path_size++] = '.';
    memcpy(parser->path + parser->path_size, name.data, name.size);
    parser->path_size += name.size;
    return OK;
}

static error take_name(struct parser *parser, slice *out_name)
{
    int byte = peek(parser);
    if (byte == '"' || byte == '\'')
        return take_quoted(parser, out_name);
    const char *start = parser->at.at;
    while (is_name_byte(peek(parser)))
        step(parser);
    *out_name = slice_of(start, (size_t)(parser->at.at - start));
    return out_name->size > 0 ? OK : malformed("a character that cannot begin a name");
}

/* Do only names follow, and then '{' on the same line: a section with more than one name? */
static bool section_names_follow(const struct parser *parser)
{
    struct cursor ahead = parser->at;
    for (;;) {
        while (is_blank(cursor_peek(&ahead)))
            ahead.at++;
        int byte = cursor_peek(&ahead);
        slice quoted;
        if (byte == '{')
            return true;
        if (byte == '"' || byte == '\'') {
            ahead.at++;
            if (!cursor_take_until(&ahead, (char)byte, &quoted) ||
                slice_find_byte(quoted, '\n') >= 0)
                return false;
            ahead.at++;
        } else if (is_name_byte(byte)) {
            while (is_name_byte(cursor_peek(&ahead)))
                ahead.at++;
        } else {
            return false;
        }
    }
}

static error take_members(struct parser *parser, bool braced);

static error take_member(struct parser *parser)
{
    const size_t path_size = parser->path_size;
    const unsigned line = parser->line;
    slice name;
    TRY(take_name(parser, &name));
    TRY(push_name(parser, name));
    TRY(skip(parser, ""));
    bool assigned = cursor_take_byte(&parser->at, '=') || cursor_take_byte(&parser->at, ':');
    TRY(skip(parser, assigned ? "\n" : ""));
    while (!assigned && peek(parser) != '{' && section_names_follow(parser)) {
        TRY(take_name(parser, &name));
        TRY(push_name(parser, name));
        TRY(skip(parser, ""));
    }
    if (cursor_take_byte(&parser->at, '{')) {
        if (parser->depth == UCL_DEPTH_MAX)
            return error_make(ERROR_LIMIT, "sections nested too deep");
        parser->depth++;
        TRY(take_members(parser, true));
        parser->depth--;
    } else {
        TRY(take_value(parser, line));
    }
    parser->path_size = path_size;
    return OK;
}

static error take_members(struct parser *parser, bool braced)
{
    for (;;) {
        TRY(skip(parser, "\n;,"));
        if (cursor_done(&parser->at))
            return braced ? malformed("a section that does not end") : OK;
        if (peek(parser) == '}') {
            if (!braced)
                return malformed("a '}' without its '{'");
            step(parser);
            return OK;
        }
        TRY(take_member(parser));
    }
}

error ucl_parse(slice text, struct arena *arena, struct ucl_entry **out_entries,
                struct ucl_problem *out_problem)
{
    struct ucl_entry *entries = NULL;
    struct parser parser = {.at = cursor_over(text), .line = 1, .arena = arena, .last = &entries};
    if (text.size > UCL_TEXT_SIZE_MAX) {
        out_problem->line = 0;
        return error_make(ERROR_LIMIT, "the file is too large");
    }
    cursor_take(&parser.at, SLICE("\xef\xbb\xbf"));
    error problem = skip(&parser, "\n");
    bool braced = !failed(problem) && cursor_take_byte(&parser.at, '{'); /* as JSON begins */
    if (!failed(problem))
        problem = take_members(&parser, braced);
    if (!failed(problem) && braced) {
        problem = skip(&parser, "\n;");
        if (!failed(problem) && !cursor_done(&parser.at))
            problem = malformed("something behind the last '}'");
    }
    if (failed(problem)) {
        out_problem->line = parser.line;
        return problem;
    }
    *out_entries = entries;
    return OK;
}
