/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/imap/token.h"

#include "base/utf8.h"

#define BIT(c) (1ull << ((c)&63))
#define PRINTABLE_LOW (~0ull << 33) /* "!" to "?" */
/* atom-specials: "(" ")" "{" SP CTL "%" "*" DQUOTE "\" "]" */
#define ATOM_LOW (PRINTABLE_LOW & ~(BIT('"') | BIT('%') | BIT('(') | BIT(')') | BIT('*')))
#define ASTRING_HIGH (~(BIT('\\') | BIT('{') | BIT(0x7f)))

const uint64_t IMAP_ATOM_SET[4] = {ATOM_LOW, ASTRING_HIGH & ~BIT(']'), 0, 0};
const uint64_t IMAP_ASTRING_SET[4] = {ATOM_LOW, ASTRING_HIGH, 0, 0};
const uint64_t IMAP_LIST_SET[4] = {ATOM_LOW | BIT('%') | BIT('*'), ASTRING_HIGH, ~0ull, ~0ull};

static const uint64_t ASTRING_TOLERANT_SET[4] = {ATOM_LOW, ASTRING_HIGH, ~0ull, ~0ull};

static error malformed(const char *text)
{
    return error_make(ERROR_MALFORMED, text);
}

error imap_take_space(struct cursor *c)
{
    return cursor_take_byte(c, ' ') ? OK : malformed("expected a space");
}

error imap_take_end(struct cursor *c)
{
    return cursor_done(c) ? OK : malformed("unexpected text after the command");
}

error imap_take_open(struct cursor *c)
{
    return cursor_take_byte(c, '(') ? OK : malformed("expected \"(\"");
}

error imap_take_close(struct cursor *c)
{
    return cursor_take_byte(c, ')') ? OK : malformed("expected \")\"");
}

error imap_take_next_in_list(struct cursor *c, bool *out_more)
{
    if (cursor_take_byte(c, ')')) {
        *out_more = false;
        return OK;
    }
    if (!cursor_take_byte(c, ' '))
        return malformed("expected a space or \")\"");
    *out_more = true;
    return OK;
}

error imap_take_atom(struct cursor *c, slice *out_atom)
{
    return cursor_take_set(c, IMAP_ATOM_SET, out_atom) ? OK : malformed("expected an atom");
}

bool imap_try_word(struct cursor *c, slice word)
{
    struct cursor ahead = *c;
    slice atom;
    if (!cursor_take_set(&ahead, IMAP_ATOM_SET, &atom) || !slice_equal_nocase(atom, word))
        return false;
    *c = ahead;
    return true;
}

static slice unescape(slice quoted, char *out)
{
    size_t size = 0;
    for (size_t i = 0; i < quoted.size; i++) {
        if (quoted.data[i] == '\\')
            i++;
        out[size++] = quoted.data[i];
    }
    return slice_of(out, size);
}

static error take_quoted(struct cursor *c, struct arena *arena, slice *out_string)
{
    const char *start = c->at + 1, *at = start;
    bool escaped = false, wide = false;
    for (; at < c->end && *at != '"'; at++) {
        if (*at == '\\') {
            /* RFC 3501 9: "\" quoted-specials, nothing else */
            at++;
            if (at == c->end || (*at != '"' && *at != '\\'))
                return malformed("invalid escape in a quoted string");
            escaped = true;
        }
        if (*at == '\0' || *at == '\r' || *at == '\n')
            return malformed("control character in a quoted string");
        wide |= (unsigned char)*at >= 0x80;
    }
    if (at == c->end)
        return malformed("unterminated quoted string");
    slice inner = {start, (size_t)(at - start)};
    if (wide && !utf8_is_valid(inner))
        return malformed("a quoted string is not UTF-8");
    if (escaped) {
        char *room = arena_alloc_bytes(arena, inner.size);
        TRY_MEMORY(room);
        inner = unescape(inner, room);
    }
    c->at = at + 1;
    *out_string = inner;
    return OK;
}

/* The framing has checked size and form; here only that it is there. */
static error take_literal(struct cursor *c, slice *out_string)
{
    struct cursor ahead = *c;
    bool binary = cursor_take_byte(&ahead, '~'); /* RFC 3516 literal8 */
    uint64_t size;
    if (!cursor_take_byte(&ahead, '{') || !cursor_take_u64(&ahead, UINT32_MAX, &size))
        return malformed("expected a string");
    (void)cursor_take_byte(&ahead, '+');
    if (!cursor_take(&ahead, SLICE("}\r\n")) || cursor_rest(&ahead).size < size)
        return malformed("invalid literal");
    slice bytes = slice_sub(cursor_rest(&ahead), 0, size);
    if (!binary && slice_find_byte(bytes, '\0') >= 0)
        return malformed("NUL in a literal");
    ahead.at += size;
    *c = ahead;
    *out_string = bytes;
    return OK;
}

error imap_take_string(struct cursor *c, struct arena *arena, slice *out_string)
{
    if (cursor_peek(c) == '"')
        return take_quoted(c, arena, out_string);
    return take_literal(c, out_string);
}

static error take_bare_or_string(struct cursor *c, struct arena *arena, const uint64_t set[4],
                                 slice *out_string)
{
    int next = cursor_peek(c);
    if (next == '"' || next == '{')
        return imap_take_string(c, arena, out_string);
    struct cursor ahead = *c;
    slice bare;
    if (!cursor_take_set(&ahead, set, &bare))
        return malformed("expected an atom or a string");
    if (!utf8_is_valid(bare))
        return malformed("a name is not UTF-8");
    *c = ahead;
    *out_string = bare;
    return OK;
}

error imap_take_astring(struct cursor *c, struct arena *arena, slice *out_string)
{
    return take_bare_or_string(c, arena, ASTRING_TOLERANT_SET, out_string);
}

error imap_take_list_mailbox(struct cursor *c, struct arena *arena, slice *out_string)
{
    return take_bare_or_string(c, arena, IMAP_LIST_SET, out_string);
}

error imap_take_nstring(struct cursor *c, struct arena *arena, slice *out_string)
{
    if (imap_try_word(c, SLICE("NIL"))) {
        *out_string = SLICE_EMPTY;
        return OK;
    }
    return imap_take_string(c, arena, out_string);
}

error imap_take_number(struct cursor *c, uint64_t max, uint64_t *out_number)
{
    return cursor_take_u64(c, max, out_number) ? OK : malformed("expected a number");
}

error imap_take_nz_number(struct cursor *c, uint32_t *out_number)
{
    struct cursor ahead = *c;
    uint64_t number;
    if (cursor_peek(c) == '0' || !cursor_take_u64(&ahead, UINT32_MAX, &number))
        return malformed("expected a number above zero");
    *c = ahead;
    *out_number = (uint32_t)number;
    return OK;
}
