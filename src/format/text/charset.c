/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/text/charset.h"

#include "base/buffer.h"
#include "base/utf8.h"

#include <errno.h>
#include <iconv.h>

static const char replacement[] = "\xef\xbf\xbd"; /* U+FFFD */

enum charset_kind { CHARSET_UTF8, CHARSET_WINDOWS_1252, CHARSET_ICONV };

/* Names that mail uses for more than the name says: what browsers and mail programs read for them
 * (WHATWG Encoding 4.2). */
static const struct {
    const char *name;
    enum charset_kind kind;
    const char *iconv_name;
} aliases[] = {
    {"utf-8", CHARSET_UTF8, NULL},
    {"utf8", CHARSET_UTF8, NULL},
    {"us-ascii", CHARSET_WINDOWS_1252, NULL},
    {"ascii", CHARSET_WINDOWS_1252, NULL},
    {"ansi_x3.4-1968", CHARSET_WINDOWS_1252, NULL},
    {"iso-8859-1", CHARSET_WINDOWS_1252, NULL},
    {"iso8859-1", CHARSET_WINDOWS_1252, NULL},
    {"iso_8859-1", CHARSET_WINDOWS_1252, NULL},
    {"latin1", CHARSET_WINDOWS_1252, NULL},
    {"windows-1252", CHARSET_WINDOWS_1252, NULL},
    {"cp1252", CHARSET_WINDOWS_1252, NULL},
    {"gb2312", CHARSET_ICONV, "GB18030"},
    {"gbk", CHARSET_ICONV, "GB18030"},
    {"ks_c_5601-1987", CHARSET_ICONV, "CP949"},
    {"euc-kr", CHARSET_ICONV, "CP949"},
    {"shift_jis", CHARSET_ICONV, "CP932"},
    {"shift-jis", CHARSET_ICONV, "CP932"},
    {"x-sjis", CHARSET_ICONV, "CP932"},
    {"iso-8859-9", CHARSET_ICONV, "CP1254"},
    {"tis-620", CHARSET_ICONV, "CP874"},
    {"x-mac-roman", CHARSET_ICONV, "MACINTOSH"},
    {"iso-8859-8-i", CHARSET_ICONV, "ISO-8859-8"},
    {"unicode-1-1-utf-7", CHARSET_ICONV, "UTF-7"},
};

struct descriptor {
    char name[CHARSET_NAME_SIZE_MAX + 1];
    iconv_t iconv;
    bool open;
};

/* Per thread, so never shared; opening a converter costs far more than using it. */
static _Thread_local struct descriptor descriptors[CHARSET_OPEN_MAX];
static _Thread_local unsigned descriptor_next;

void charset_close_thread(void)
{
    for (unsigned i = 0; i < CHARSET_OPEN_MAX; i++)
        if (descriptors[i].open)
            iconv_close(descriptors[i].iconv);
    memset(descriptors, 0, sizeof descriptors);
}

static struct descriptor *descriptor_for(const char *name)
{
    for (unsigned i = 0; i < CHARSET_OPEN_MAX; i++)
        if (descriptors[i].open && strcmp(descriptors[i].name, name) == 0)
            return &descriptors[i];
    iconv_t opened = iconv_open("UTF-8", name);
    if (opened == (iconv_t)-1)
        return NULL;
    struct descriptor *d = &descriptors[descriptor_next++ % CHARSET_OPEN_MAX];
    if (d->open)
        iconv_close(d->iconv);
    memcpy(d->name, name, strlen(name) + 1);
    d->iconv = opened;
    d->open = true;
    return d;
}

/* Which way to go, and iconv's name for it. A '/' would be an option of iconv (//IGNORE). */
static bool choose(slice charset, enum charset_kind *out_kind,
                   char out_name[CHARSET_NAME_SIZE_MAX + 1])
{
    charset = slice_trim(charset);
    if (charset.size == 0 || charset.size > CHARSET_NAME_SIZE_MAX)
        return false;
    for (size_t i = 0; i < charset.size; i++) {
        char byte = ascii_lower(charset.data[i]);
        if (!ascii_is_alpha(byte) && !ascii_is_digit(byte) && !strchr("-_.:", byte))
            return false;
        out_name[i] = byte;
    }
    out_name[charset.size] = '\0';
    *out_kind = CHARSET_ICONV;
    for (size_t i = 0; i < sizeof aliases / sizeof aliases[0]; i++)
        if (strcmp(out_name, aliases[i].name) == 0) {
            *out_kind = aliases[i].kind;
            if (aliases[i].iconv_name)
                memcpy(out_name, aliases[i].iconv_name, strlen(aliases[i].iconv_name) + 1);
        }
    return true;
}

bool charset_is_known(slice charset)
{
    enum charset_kind kind;
    char name[CHARSET_NAME_SIZE_MAX + 1];
    return choose(charset, &kind, name) && (kind != CHARSET_ICONV || descriptor_for(name));
}

static error from_utf8(struct arena *arena, slice bytes, slice *out_text)
{
    if (utf8_is_valid(bytes)) {
        *out_text = bytes;
        return OK;
    }
    size_t size = 0;
    uint32_t point;
    for (slice rest = bytes; rest.size;) { /* measured first: broken text is rare */
        size_t step = utf8_decode(rest, &point);
        size += step ? step : sizeof replacement - 1;
        rest = slice_from(rest, step ? step : 1);
    }
    char *text = arena_alloc_bytes(arena, size);
    TRY_MEMORY(text);
    size = 0;
    for (slice rest = bytes; rest.size;) {
        size_t step = utf8_decode(rest, &point);
        memcpy(text + size, step ? rest.data : replacement, step ? step : sizeof replacement - 1);
        size += step ? step : sizeof replacement - 1;
        rest = slice_from(rest, step ? step : 1);
    }
    *out_text = (slice){text, size};
    return OK;
}

static error from_windows_1252(struct arena *arena, slice bytes, slice *out_text)
{
    static const uint16_t high[32] = {
        0x20ac, 0x81,   0x201a, 0x192,  0x201e, 0x2026, 0x2020, 0x2021, 0x2c6,  0x2030, 0x160,
        0x2039, 0x152,  0x8d,   0x17d,  0x8f,   0x90,   0x2018, 0x2019, 0x201c, 0x201d, 0x2022,
        0x2013, 0x2014, 0x2dc,  0x2122, 0x161,  0x203a, 0x153,  0x9d,   0x17e,  0x178};
    if (utf8_is_ascii(bytes)) {
        *out_text = bytes;
        return OK;
    }
    size_t size = 0;
    for (size_t i = 0; i < bytes.size; i++) {
        unsigned char byte = (unsigned char)bytes.data[i];
        size += byte < 0x80 ? 1 : byte < 0xa0 ? 3 : 2;
    }
    char *text = arena_alloc_bytes(arena, size);
    TRY_MEMORY(text);
    size = 0;
    for (size_t i = 0; i < bytes.size; i++) {
        unsigned char byte = (unsigned char)bytes.data[i];
        size += utf8_encode(byte >= 0x80 && byte < 0xa0 ? high[byte - 0x80] : byte, text + size);
    }
    *out_text = (slice){text, size};
    return OK;
}

static error from_iconv(struct arena *arena, struct descriptor *d, slice bytes, slice *out_text)
{
    struct buffer buffer;
    buffer_init(&buffer, arena->limit);
    iconv(d->iconv, NULL, NULL, NULL, NULL);
    char *in = (char *)(uintptr_t)bytes.data; /* iconv's face lacks the const */
    size_t in_left = bytes.size;
    bool flushed = false;
    while (!flushed) {
        size_t room_size = in_left * 2 + 64, room_left = room_size;
        char *room = buffer_reserve(&buffer, room_size), *room_at = room;
        if (!room)
            break;
        flushed = in_left == 0;
        size_t result =
            iconv(d->iconv, flushed ? NULL : &in, flushed ? NULL : &in_left, &room_at, &room_left);
        int why = errno;
        buffer_commit(&buffer, room_size - room_left);
        if (result == (size_t)-1 && why != E2BIG && in_left) {
            buffer_add_string(&buffer, replacement);
            in++;
            in_left--;
            if (why == EINVAL) /* a character cut off by the end */
                in_left = 0;
        } else if (result == (size_t)-1 && why == E2BIG) {
            flushed = false;
        }
    }
    error problem = buffer_check(&buffer);
    slice text;
    if (!failed(problem))
        problem = arena_copy(arena, buffer_slice(&buffer), &text);
    buffer_close(&buffer);
    TRY(problem);
    return from_utf8(arena, text, out_text); /* some converters let odd input through */
}

error charset_to_utf8(struct arena *arena, slice charset, slice bytes, slice *out_text)
{
    enum charset_kind kind;
    char name[CHARSET_NAME_SIZE_MAX + 1];
    if (!choose(charset, &kind, name))
        return error_make(ERROR_NOT_FOUND, "unknown charset");
    if (kind == CHARSET_UTF8)
        return from_utf8(arena, bytes, out_text);
    if (kind == CHARSET_WINDOWS_1252)
        return from_windows_1252(arena, bytes, out_text);
    struct descriptor *d = descriptor_for(name);
    if (!d)
        return error_make(ERROR_NOT_FOUND, "unknown charset");
    return from_iconv(arena, d, bytes, out_text);
}

error charset_guess_to_utf8(struct arena *arena, slice bytes, slice *out_text)
{
    if (utf8_is_valid(bytes)) {
        *out_text = bytes;
        return OK;
    }
    return from_windows_1252(arena, bytes, out_text);
}
