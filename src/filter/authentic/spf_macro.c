/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "filter/authentic/spf_macro.h"

#include "base/cursor.h"

#include <stdio.h>

enum { PARTS_MAX = 128 }; /* RFC 7208 7.3: as many labels as a name can have */

/* RFC 7208 7.1: what stands between "%{" and "}". */
struct macro {
    char letter;      /* in small */
    bool escaped;     /* it was a capital: as in a URL */
    unsigned keep;    /* so many parts from the right; 0: all */
    bool reverse;     /* the parts */
    slice delimiters; /* between parts; empty: a dot */
};

static bool is_delimiter(int c)
{
    return c > 0 && slice_find_byte(SLICE(".-+,/_="), (char)c) >= 0;
}

static bool take_macro(struct cursor *c, enum spf_macro_place place, struct macro *macro)
{
    int letter = cursor_peek(c);
    if (letter < 0 || !ascii_is_alpha((char)letter))
        return false;
    *macro = (struct macro){.letter = ascii_lower((char)letter),
                            .escaped = letter >= 'A' && letter <= 'Z'};
    slice letters = place == SPF_MACRO_IN_DOMAIN ? SLICE("slodiphv") : SLICE("slodiphvcrt");
    if (slice_find_byte(letters, macro->letter) < 0)
        return false;
    c->at++;
    bool counted = false;
    for (; cursor_peek(c) >= '0' && cursor_peek(c) <= '9'; c->at++) {
        counted = true;
        if (macro->keep < PARTS_MAX)
            macro->keep = macro->keep * 10 + (unsigned)(*c->at - '0');
    }
    if (counted && macro->keep == 0)
        return false;
    macro->reverse = cursor_take_byte(c, 'r') || cursor_take_byte(c, 'R');
    const char *first = c->at;
    while (is_delimiter(cursor_peek(c)))
        c->at++;
    macro->delimiters = slice_of(first, (size_t)(c->at - first));
    return cursor_take_byte(c, '}');
}

/* ---- What they stand for ---- */

static void add_escaped(struct buffer *out, slice text)
{
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        if (ascii_is_alpha(c) || ascii_is_digit(c) || slice_find_byte(SLICE("-._~"), c) >= 0)
            buffer_add_byte(out, c);
        else
            buffer_format(out, "%%%02X", (unsigned char)c);
    }
}

/* %{i}: an IPv6 address as 32 nibbles with dots between. */
static slice write_dotted(const struct address *peer, char text[ADDRESS_TEXT_SIZE])
{
    static const char digits[] = "0123456789ABCDEF";
    if (peer->family != ADDRESS_IPV6)
        return address_format_ip(peer, text);
    for (size_t i = 0; i < 16; i++) {
        text[4 * i] = digits[peer->ip[i] >> 4];
        text[4 * i + 1] = '.';
        text[4 * i + 2] = digits[peer->ip[i] & 15];
        text[4 * i + 3] = '.';
    }
    return slice_of(text, 63);
}

static slice or_unknown(slice text)
{
    return text.size ? text : SLICE("unknown");
}

/* In `text` where it must be written first; %{s} has no place there and is put together by its
 * parts, see add_macro. */
static slice value_of(char letter, const struct spf_macro_values *values,
                      char text[ADDRESS_TEXT_SIZE])
{
    switch (letter) {
    case 'l':
        return values->local;
    case 'o':
        return values->sender_domain;
    case 'd':
        return values->domain;
    case 'h':
        return values->helo;
    case 'p':
        return or_unknown(values->validated);
    case 'r':
        return or_unknown(values->host);
    case 'i':
        return write_dotted(values->peer, text);
    case 'c':
        return address_format_ip(values->peer, text);
    case 't':
        return slice_of(text,
                        (size_t)snprintf(text, ADDRESS_TEXT_SIZE, "%lld", (long long)values->now));
    default:
        return values->peer->family == ADDRESS_IPV6 ? SLICE("ip6") : SLICE("in-addr");
    }
}

static bool splits(const struct macro *macro, char c)
{
    return macro->delimiters.size ? slice_find_byte(macro->delimiters, c) >= 0 : c == '.';
}

/* RFC 7208 7.3: split, turned around, the last few of them, with dots between. */
static void add_parts(const struct macro *macro, slice value, struct buffer *out)
{
    slice parts[PARTS_MAX];
    unsigned count = 0;
    size_t begin = 0;
    for (size_t i = 0; i <= value.size; i++) {
        if (i < value.size && !splits(macro, value.data[i]))
            continue;
        if (count == PARTS_MAX) { /* the leftmost fall off first */
            memmove(parts, parts + 1, sizeof parts - sizeof parts[0]);
            count--;
        }
        parts[count++] = slice_sub(value, begin, i - begin);
        begin = i + 1;
    }
    unsigned kept = macro->keep && macro->keep < count ? macro->keep : count;
    for (unsigned i = count - kept; i < count; i++) {
        slice part = parts[macro->reverse ? count - 1 - i : i];
        if (i > count - kept)
            buffer_add_byte(out, '.');
        if (macro->escaped)
            add_escaped(out, part);
        else
            buffer_add(out, part);
    }
}

static void add_macro(const struct macro *macro, const struct spf_macro_values *values,
                      struct buffer *out)
{
    char text[ADDRESS_TEXT_SIZE];
    if (macro->letter != 's') {
        add_parts(macro, value_of(macro->letter, values, text), out);
        return;
    }
    struct buffer sender;
    buffer_init(&sender, out->size_max);
    buffer_add(&sender, values->local);
    buffer_add_byte(&sender, '@');
    buffer_add(&sender, values->sender_domain);
    if (failed(buffer_check(&sender)))
        out->overflow = true;
    else
        add_parts(macro, buffer_slice(&sender), out);
    buffer_close(&sender);
}

/* ---- Over a whole text ---- */

struct piece {
    enum { LITERAL, MACRO } kind;
    char literal;
    const char *shown; /* of "%%", "%_", "%-" */
    struct macro macro;
};

/* RFC 7208 7.1: macro-expand or macro-literal; in an explanation also SP (6.2). */
static bool take_piece(struct cursor *c, enum spf_macro_place place, struct piece *piece)
{
    int byte = cursor_peek(c);
    *piece = (struct piece){.kind = LITERAL};
    if (byte != '%') {
        if (byte > '~' || byte < (place == SPF_MACRO_IN_EXPLANATION ? ' ' : '!'))
            return false;
        piece->literal = (char)byte;
        c->at++;
        return true;
    }
    c->at++;
    piece->kind = MACRO;
    if (cursor_take_byte(c, '{'))
        return take_macro(c, place, &piece->macro);
    piece->shown = cursor_take_byte(c, '%')   ? "%"
                   : cursor_take_byte(c, '_') ? " "
                   : cursor_take_byte(c, '-') ? "%20"
                                              : NULL;
    return piece->shown != NULL;
}

bool spf_macro_check(slice text, enum spf_macro_place place, size_t *out_tail)
{
    struct cursor c = cursor_over(text);
    struct piece piece;
    size_t tail = 0;
    while (!cursor_done(&c)) {
        if (!take_piece(&c, place, &piece))
            return false;
        if (piece.kind == MACRO)
            tail = (size_t)(c.at - text.data);
    }
    if (out_tail)
        *out_tail = tail;
    return true;
}

bool spf_macro_uses(slice text, char letter)
{
    struct cursor c = cursor_over(text);
    struct piece piece;
    while (!cursor_done(&c) && take_piece(&c, SPF_MACRO_IN_EXPLANATION, &piece))
        if (piece.kind == MACRO && !piece.shown && piece.macro.letter == letter)
            return true;
    return false;
}

void spf_macro_expand(slice text, enum spf_macro_place place, const struct spf_macro_values *values,
                      struct buffer *out)
{
    struct cursor c = cursor_over(text);
    struct piece piece;
    while (!cursor_done(&c) && take_piece(&c, place, &piece)) {
        if (piece.kind == LITERAL)
            buffer_add_byte(out, piece.literal);
        else if (piece.shown)
            buffer_add_string(out, piece.shown);
        else
            add_macro(&piece.macro, values, out);
    }
}
