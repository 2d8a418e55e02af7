/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/text/html.h"

#include "base/cursor.h"
#include "base/utf8.h"

static bool is_space(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n' || byte == '\f';
}

/* Tags whose content is not markup. Mail is read without scripts, so that of noscript is. */
static bool is_raw(slice name)
{
    static const slice names[] = {
        {"script", 6},  {"style", 5},    {"title", 5}, {"textarea", 8},
        {"noembed", 7}, {"noframes", 8}, {"xmp", 3},   {"iframe", 6},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (name.size == names[i].size && slice_equal_nocase(name, names[i]))
            return true;
    return false;
}

void html_begin(struct html_reader *reader, slice text)
{
    *reader = (struct html_reader){.text = text};
}

/* 13.2.5.14: "</name" and a blank, a slash or the tag's end. */
static bool closes_raw(slice text, size_t at, slice name)
{
    slice behind = slice_from(text, at + 2);
    if (text.data[at + 1] != '/' || !slice_starts_nocase(behind, name) || behind.size == name.size)
        return false;
    char next = behind.data[name.size];
    return is_space(next) || next == '/' || next == '>';
}

/* Up to "</name", or to the end. */
static bool take_raw(struct html_reader *reader, struct html_token *out_token)
{
    slice name = reader->raw, text = reader->text;
    size_t start = reader->at, end = start;
    reader->raw = SLICE_EMPTY;
    while (end < text.size) {
        const char *found = memchr(text.data + end, '<', text.size - end);
        end = found ? (size_t)(found - text.data) : text.size;
        if (end + 1 < text.size && closes_raw(text, end, name))
            break;
        end += end < text.size;
    }
    reader->unclosed |= end == text.size;
    reader->at = end;
    *out_token = (struct html_token){
        .kind = HTML_RAW, .name = name, .text = slice_sub(text, start, end - start)};
    return end > start;
}

/* Behind "<!--": where "-->" or "--!>" begins; negative: nowhere. */
static ptrdiff_t comment_end(slice inner, size_t *out_close)
{
    for (size_t at = 0; at < inner.size; at++) {
        const char *found = memchr(inner.data + at, '-', inner.size - at);
        if (!found)
            break;
        at = (size_t)(found - inner.data);
        slice rest = slice_from(inner, at);
        *out_close = slice_starts(rest, SLICE("--!>")) ? 4 : 3;
        if (*out_close == 4 || slice_starts(rest, SLICE("-->")))
            return (ptrdiff_t)at;
    }
    return -1;
}

/* 13.2.5.42 and on: "<!--" to "-->" (or "--!>"), other declarations to '>'. */
static void take_comment(struct html_reader *reader, struct html_token *out_token)
{
    slice rest = slice_from(reader->text, reader->at);
    bool dashes = slice_starts(rest, SLICE("<!--"));
    size_t skip = dashes ? 4 : 2, close = 3;
    slice inner = slice_from(rest, skip);
    ptrdiff_t end;
    if (dashes && (slice_starts(inner, SLICE(">")) || slice_starts(inner, SLICE("->")))) {
        end = 0;
        close = inner.data[0] == '>' ? 1 : 2;
    } else if (dashes) {
        end = comment_end(inner, &close);
    } else {
        end = slice_find_byte(inner, '>');
        close = 1;
    }
    reader->unclosed |= end < 0;
    size_t size = end < 0 ? inner.size : (size_t)end;
    *out_token = (struct html_token){.kind = HTML_COMMENT, .text = slice_sub(inner, 0, size)};
    reader->at = end < 0 ? reader->text.size : reader->at + skip + size + close;
}

/* The '>' that ends a tag: one in quotes of a value does not. */
static size_t tag_end(slice text, size_t at)
{
    bool value = false;
    for (; at < text.size && text.data[at] != '>'; at++) {
        char byte = text.data[at];
        if (value && (byte == '"' || byte == '\'')) {
            const char *quote = memchr(text.data + at + 1, byte, text.size - at - 1);
            if (!quote)
                return text.size;
            at = (size_t)(quote - text.data);
        }
        value = byte == '=' || (value && is_space(byte));
    }
    return at;
}

static void take_tag(struct html_reader *reader, struct html_token *out_token)
{
    slice text = reader->text;
    bool close = text.data[reader->at + 1] == '/';
    size_t start = reader->at + 1 + close, name_end = start;
    while (name_end < text.size && !is_space(text.data[name_end]) && text.data[name_end] != '/' &&
           text.data[name_end] != '>')
        name_end++;
    size_t end = tag_end(text, name_end);
    reader->unclosed |= end == text.size;
    struct html_token token = {.kind = close ? HTML_CLOSE : HTML_OPEN,
                               .name = slice_sub(text, start, name_end - start),
                               .attributes = slice_sub(text, name_end, end - name_end)};
    token.empty = end > name_end && text.data[end - 1] == '/';
    reader->at = end < text.size ? end + 1 : end;
    if (!close && is_raw(token.name)) /* "<style/>" as well: 13.2.6.4.4 */
        reader->raw = token.name;
    *out_token = token;
}

/* Does a '<' here begin something? */
static bool begins_markup(slice text, size_t at)
{
    if (at + 1 >= text.size)
        return false;
    char next = text.data[at + 1];
    return ascii_is_alpha(next) || next == '!' || next == '?' ||
           (next == '/' && at + 2 < text.size && ascii_is_alpha(text.data[at + 2]));
}

bool html_next(struct html_reader *reader, struct html_token *out_token)
{
    slice text = reader->text;
    if (reader->raw.size > 0 && take_raw(reader, out_token))
        return true;
    size_t start = reader->at, end = start;
    while (end < text.size) {
        const char *found = memchr(text.data + end, '<', text.size - end);
        end = found ? (size_t)(found - text.data) : text.size;
        if (!found || begins_markup(text, end))
            break;
        end++;
    }
    if (end > start) {
        reader->at = end;
        *out_token =
            (struct html_token){.kind = HTML_TEXT, .text = slice_sub(text, start, end - start)};
        return true;
    }
    if (start >= text.size)
        return false;
    if (text.data[start + 1] == '!' || text.data[start + 1] == '?')
        take_comment(reader, out_token);
    else
        take_tag(reader, out_token);
    return true;
}

bool html_attribute_next(struct html_attributes *attributes, slice *out_name, slice *out_value)
{
    slice rest = attributes->rest;
    size_t at = 0;
    while (at < rest.size && (is_space(rest.data[at]) || rest.data[at] == '/'))
        at++;
    if (at == rest.size || attributes->count++ == HTML_ATTRIBUTE_COUNT_MAX)
        return false;
    size_t start = at++;
    while (at < rest.size && !is_space(rest.data[at]) && rest.data[at] != '/' &&
           rest.data[at] != '=')
        at++;
    *out_name = slice_sub(rest, start, at - start);
    *out_value = SLICE_EMPTY;
    size_t mark = at;
    while (at < rest.size && is_space(rest.data[at]))
        at++;
    if (at == rest.size || rest.data[at] != '=') {
        attributes->rest = slice_from(rest, mark);
        return true;
    }
    at++;
    while (at < rest.size && is_space(rest.data[at]))
        at++;
    if (at < rest.size && (rest.data[at] == '"' || rest.data[at] == '\'')) {
        ptrdiff_t end = slice_find_byte(slice_from(rest, at + 1), rest.data[at]);
        size_t size = end < 0 ? rest.size - at - 1 : (size_t)end;
        *out_value = slice_sub(rest, at + 1, size);
        at += 1 + size + (end >= 0);
    } else {
        start = at;
        while (at < rest.size && !is_space(rest.data[at]))
            at++;
        *out_value = slice_sub(rest, start, at - start);
    }
    attributes->rest = slice_from(rest, at);
    return true;
}

/* ---- Character references (13.2.5.72) ---- */

static const struct {
    const char *name;
    uint32_t point;
} entities[] = {
    {"amp", '&'},      {"lt", '<'},       {"gt", '>'},        {"quot", '"'},     {"apos", '\''},
    {"nbsp", 0xa0},    {"shy", 0xad},     {"copy", 0xa9},     {"reg", 0xae},     {"trade", 0x2122},
    {"zwnj", 0x200c},  {"zwj", 0x200d},   {"ensp", 0x2002},   {"emsp", 0x2003},  {"thinsp", 0x2009},
    {"ndash", 0x2013}, {"mdash", 0x2014}, {"lsquo", 0x2018},  {"rsquo", 0x2019}, {"ldquo", 0x201c},
    {"rdquo", 0x201d}, {"bull", 0x2022},  {"hellip", 0x2026}, {"euro", 0x20ac},  {"pound", 0xa3},
    {"middot", 0xb7},  {"raquo", 0xbb},   {"laquo", 0xab},    {"auml", 0xe4},    {"ouml", 0xf6},
    {"uuml", 0xfc},    {"Auml", 0xc4},    {"Ouml", 0xd6},     {"Uuml", 0xdc},    {"szlig", 0xdf},
    {"eacute", 0xe9},  {"egrave", 0xe8},  {"agrave", 0xe0},   {"ccedil", 0xe7},  {"colon", ':'},
    {"sol", '/'},      {"period", '.'},   {"commat", '@'},    {"num", '#'},      {"percnt", '%'},
};

static bool take_number(struct cursor *at, uint32_t *out_point)
{
    uint32_t point = 0;
    bool any = false, hex = cursor_take_byte(at, 'x') || cursor_take_byte(at, 'X');
    for (; !cursor_done(at); at->at++, any = true) {
        char c = ascii_lower(*at->at);
        uint32_t digit;
        if (ascii_is_digit(c))
            digit = (uint32_t)(c - '0');
        else if (hex && c >= 'a' && c <= 'f')
            digit = (uint32_t)(c - 'a') + 10;
        else
            break;
        point = point > 0x10ffff ? point : point * (hex ? 16 : 10) + digit;
    }
    *out_point = point;
    return any;
}

/* Behind the '&'. */
static bool take_reference(struct cursor *at, uint32_t *out_point)
{
    struct cursor here = *at;
    bool known = false;
    if (cursor_take_byte(&here, '#')) {
        known = take_number(&here, out_point);
    } else {
        size_t size = 0;
        slice rest = cursor_rest(&here);
        while (size < rest.size && size < HTML_NAME_SIZE_MAX && ascii_is_alpha(rest.data[size]))
            size++;
        for (size_t i = 0; !known && size > 0 && i < sizeof entities / sizeof *entities; i++)
            if (entities[i].name[0] == rest.data[0] &&
                slice_equal(slice_sub(rest, 0, size), slice_from_string(entities[i].name))) {
                *out_point = entities[i].point;
                here.at += size;
                known = true;
            }
    }
    if (!known)
        return false;
    cursor_take_byte(&here, ';');
    *at = here;
    return true;
}

void html_decode(slice text, struct buffer *out)
{
    struct cursor at = cursor_over(text);
    while (!cursor_done(&at)) {
        slice rest = cursor_rest(&at);
        ptrdiff_t reference = slice_find_byte(rest, '&');
        size_t plain = reference < 0 ? rest.size : (size_t)reference;
        buffer_add(out, slice_sub(rest, 0, plain));
        at.at += plain;
        if (reference < 0)
            return;
        at.at++;
        uint32_t point;
        char bytes[4];
        if (!take_reference(&at, &point)) {
            buffer_add_byte(out, '&');
            continue;
        }
        size_t size = utf8_encode(point, bytes);
        buffer_add(out, size ? slice_of(bytes, size) : SLICE("\xef\xbf\xbd"));
    }
}
