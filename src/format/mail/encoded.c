/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/mail/encoded.h"

#include "base/cursor.h"
#include "base/utf8.h"
#include "format/mail/header.h"
#include "format/text/base64.h"
#include "format/text/charset.h"
#include "format/text/quoted_printable.h"

enum { WORD_BYTES_MAX = 45 }; /* 60 of base64, with "=?UTF-8?B?" and "?=" within 75: RFC 2047 2 */

struct word {
    slice charset;
    slice text;
    bool base64;
};

/* One "=?charset*language?B?text?=". The text ends at the first '?', so that a field of nothing but
 * openings is still read in linear time. */
static bool take_word(struct cursor *c, struct word *out_word)
{
    struct cursor at = *c;
    slice charset, language, text;
    if (!cursor_take(&at, SLICE("=?")) || !cursor_take_until(&at, '?', &charset))
        return false;
    at.at++;
    int encoding = ascii_lower((char)cursor_peek(&at));
    if (encoding != 'b' && encoding != 'q')
        return false;
    at.at++;
    if (!cursor_take_byte(&at, '?') || !cursor_take_until(&at, '?', &text) ||
        !cursor_take(&at, SLICE("?=")))
        return false;
    slice_cut(charset, '*', &charset, &language); /* RFC 2231 5 */
    if (charset.size == 0 || charset.size > CHARSET_NAME_SIZE_MAX)
        return false;
    *c = at;
    *out_word = (struct word){charset, text, encoding == 'b'};
    return true;
}

/* Words of one charset that stand beside each other are decoded to bytes together: senders split
 * characters between them. */
struct decoder {
    struct arena *arena;
    struct buffer *text;
    struct buffer *pending;
    slice pending_charset;
};

static error flush(struct decoder *d)
{
    if (d->pending->size == 0)
        return OK;
    slice bytes = buffer_slice(d->pending), text;
    error problem = charset_to_utf8(d->arena, d->pending_charset, bytes, &text);
    if (problem.kind == ERROR_NOT_FOUND)
        problem = charset_guess_to_utf8(d->arena, bytes, &text);
    TRY(problem);
    buffer_add(d->text, text);
    buffer_reset(d->pending);
    return OK;
}

static error add_plain(struct decoder *d, slice plain)
{
    slice text;
    TRY(flush(d));
    TRY(charset_guess_to_utf8(d->arena, plain, &text));
    buffer_add(d->text, text);
    return OK;
}

static error add_word(struct decoder *d, const struct word *word)
{
    slice bytes;
    if (!slice_equal_nocase(word->charset, d->pending_charset))
        TRY(flush(d));
    d->pending_charset = word->charset;
    TRY(word->base64 ? base64_decode_loose(d->arena, word->text, &bytes)
                     : quoted_printable_decode_word(d->arena, word->text, &bytes));
    buffer_add(d->pending, bytes);
    return OK;
}

static error decode(struct decoder *d, slice value)
{
    struct cursor c = cursor_over(value);
    const char *plain = c.at;
    bool after_word = false;
    while (!cursor_done(&c)) {
        const char *start = c.at;
        struct word word;
        if (*c.at != '=' || !take_word(&c, &word)) {
            c.at++;
            continue;
        }
        slice between = {plain, (size_t)(start - plain)};
        /* RFC 2047 6.2: blanks between two encoded words are not shown. */
        if (between.size && !(after_word && slice_trim(between).size == 0))
            TRY(add_plain(d, between));
        TRY(add_word(d, &word));
        plain = c.at;
        after_word = true;
    }
    return add_plain(d, (slice){plain, (size_t)(c.end - plain)});
}

error mail_encoded_decode(struct arena *arena, slice value, slice *out_text)
{
    TRY(mail_header_unfold(arena, value, &value));
    if (slice_find(value, SLICE("=?")) < 0)
        return charset_guess_to_utf8(arena, value, out_text);
    struct buffer text, pending;
    buffer_init(&text, arena->limit);
    buffer_init(&pending, arena->limit);
    struct decoder decoder = {arena, &text, &pending, SLICE_EMPTY};
    error problem = decode(&decoder, value);
    if (!failed(problem))
        problem = buffer_check(&text);
    if (!failed(problem))
        problem = buffer_check(&pending);
    if (!failed(problem))
        problem = arena_copy(arena, buffer_slice(&text), out_text);
    buffer_close(&text);
    buffer_close(&pending);
    return problem;
}

void mail_encoded_write(struct buffer *buffer, slice text)
{
    if (utf8_is_ascii(text) && slice_find(text, SLICE("=?")) < 0) {
        buffer_add(buffer, text);
        return;
    }
    for (bool first = true; text.size; first = false) {
        size_t size = 0;
        while (size < text.size) {
            uint32_t point;
            size_t step = utf8_decode(slice_from(text, size), &point);
            step = step ? step : 1;
            if (size + step > WORD_BYTES_MAX)
                break;
            size += step;
        }
        buffer_add_string(buffer, first ? "=?UTF-8?B?" : "\r\n =?UTF-8?B?");
        base64_encode(buffer, slice_sub(text, 0, size));
        buffer_add_string(buffer, "?=");
        text = slice_from(text, size);
    }
}
