/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A local part may be quoted (RFC 5321 4.1.2): it is taken apart without its quotes, and what comes
 * out gets quotes where it needs them.
 */
#include "filter/authentic/srs.h"

#include "base/assert.h"
#include "base/buffer.h"
#include "crypto/constant.h"
#include "crypto/hmac.h"

enum { DAY_S = 86400, DAYS = 1024, TAG_SIZE = 4, DAY_CHARACTERS = 2 };

/* ---- Base32 (RFC 4648 6), either case ---- */

static const char digits[32] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

static int digit_value(char c)
{
    c = ascii_upper(c);
    const char *at = memchr(digits, c, sizeof digits);
    return at ? (int)(at - digits) : -1;
}

static void day_write(unsigned day, char out_text[DAY_CHARACTERS])
{
    out_text[0] = digits[day >> 5 & 31];
    out_text[1] = digits[day & 31];
}

/* The days that went by since; one that is still to come by somebody else's clock is today. */
static bool day_is_recent(slice text, int64_t now)
{
    int high = digit_value(text.data[0]), low = digit_value(text.data[1]);
    if (high < 0 || low < 0)
        return false;
    unsigned today = (unsigned)(now / DAY_S % DAYS);
    unsigned age = (today - (unsigned)(high << 5 | low)) % DAYS;
    return age <= SRS_AGE_DAYS_MAX || age == DAYS - 1;
}

/* Over the parts in small letters, each with its length: no two lists hash alike. */
static void hash(slice secret, const slice *parts, unsigned count,
                 char out_text[SRS_HASH_CHARACTERS])
{
    struct hmac hmac;
    uint8_t sum[DIGEST_SIZE_MAX];
    ASSERT(secret.size >= SRS_SECRET_SIZE_MIN);
    hmac_init(&hmac, DIGEST_SHA256, secret);
    for (unsigned i = 0; i < count; i++) {
        uint32_t size = (uint32_t)parts[i].size;
        hmac_add(&hmac, slice_of(&size, sizeof size));
        for (size_t at = 0; at < parts[i].size; at++)
            hmac_add(&hmac, slice_of((char[1]){ascii_lower(parts[i].data[at])}, 1));
    }
    hmac_finish(&hmac, sum);
    for (unsigned i = 0; i < SRS_HASH_CHARACTERS; i++) {
        unsigned bit = i * 5;
        unsigned two = (unsigned)sum[bit / 8] << 8 | sum[bit / 8 + 1];
        out_text[i] = digits[two >> (11 - bit % 8) & 31];
    }
}

static bool hash_matches(slice text, const char expected[SRS_HASH_CHARACTERS])
{
    char upper[SRS_HASH_CHARACTERS];
    if (text.size != SRS_HASH_CHARACTERS)
        return false;
    for (unsigned i = 0; i < SRS_HASH_CHARACTERS; i++)
        upper[i] = ascii_upper(text.data[i]);
    return constant_equal(upper, expected, SRS_HASH_CHARACTERS);
}

/* ---- Local parts ---- */

static error unquote(slice local, struct arena *arena, slice *out_text)
{
    if (local.size < 2 || local.data[0] != '"') {
        *out_text = local;
        return OK;
    }
    if (local.data[local.size - 1] != '"')
        return error_make(ERROR_MALFORMED, "a quoted local part does not end");
    char *text = arena_alloc_bytes(arena, local.size);
    TRY_MEMORY(text);
    size_t size = 0;
    for (size_t i = 1; i + 1 < local.size; i++) {
        if (local.data[i] == '\\' && i + 2 < local.size)
            i++;
        text[size++] = local.data[i];
    }
    *out_text = slice_of(text, size);
    return OK;
}

/* RFC 5322 3.2.3, RFC 6531 3.3: dots between atoms; everything else wants quotes. */
static bool needs_quotes(slice text)
{
    static const char special[] = "()<>[]:;@\\,\" \t";
    if (text.size == 0 || text.data[0] == '.' || text.data[text.size - 1] == '.' ||
        slice_find(text, SLICE("..")) >= 0)
        return true;
    for (size_t i = 0; i < text.size; i++)
        if (strchr(special, text.data[i]) || (unsigned char)text.data[i] < ' ' ||
            text.data[i] == 0x7f)
            return true;
    return false;
}

static void write_local(slice text, struct buffer *out)
{
    if (!needs_quotes(text)) {
        buffer_add(out, text);
        return;
    }
    buffer_add_byte(out, '"');
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] == '"' || text.data[i] == '\\')
            buffer_add_byte(out, '\\');
        buffer_add_byte(out, text.data[i]);
    }
    buffer_add_byte(out, '"');
}

static error finish(slice local, slice domain, struct arena *arena, slice *out_address)
{
    struct buffer out;
    buffer_init(&out, SRS_ADDRESS_SIZE_MAX);
    write_local(local, &out);
    buffer_add_byte(&out, '@');
    buffer_add(&out, domain);
    error problem = buffer_check(&out);
    if (!failed(problem))
        problem = arena_copy(arena, buffer_slice(&out), out_address);
    buffer_close(&out);
    return problem;
}

/* ---- The scheme ---- */

/* "SRS0=HHHH=TT=host=local" without the first five bytes, or "SRS1=HHHH=host=" and a rest that
 * begins with the separator and is another's SRS0 without its tag. */
struct parts {
    slice hash, day, host, local, rest;
};

static bool is_separator(char c)
{
    return c == '=' || c == '+' || c == '-';
}

static bool has_tag(slice local, const char tag[TAG_SIZE + 1])
{
    return local.size > TAG_SIZE && slice_starts_nocase(local, slice_of(tag, TAG_SIZE)) &&
           is_separator(local.data[TAG_SIZE]);
}

/* What may be a domain or an address literal; above all nothing that divides or quotes. */
static bool is_host(slice host)
{
    for (size_t i = 0; i < host.size; i++) {
        char c = host.data[i];
        if (!ascii_is_alpha(c) && !ascii_is_digit(c) && (unsigned char)c < 0x80 &&
            slice_find_byte(SLICE("-._[]:"), c) < 0)
            return false;
    }
    return host.size > 0;
}

static bool split_srs0(slice local, struct parts *out)
{
    slice rest = slice_from(local, TAG_SIZE + 1);
    return slice_cut(rest, '=', &out->hash, &rest) && slice_cut(rest, '=', &out->day, &rest) &&
           out->day.size == DAY_CHARACTERS && slice_cut(rest, '=', &out->host, &out->local) &&
           is_host(out->host) && out->local.size;
}

static bool split_srs1(slice local, struct parts *out)
{
    slice rest = slice_from(local, TAG_SIZE + 1);
    return slice_cut(rest, '=', &out->hash, &rest) &&
           slice_cut(rest, '=', &out->host, &out->rest) && is_host(out->host) &&
           out->rest.size > 1 && is_separator(out->rest.data[0]);
}

static error write_srs0(slice secret, slice host, slice local, int64_t now, struct arena *arena,
                        slice *out_text)
{
    char day[DAY_CHARACTERS], sum[SRS_HASH_CHARACTERS];
    day_write((unsigned)(now / DAY_S % DAYS), day);
    hash(secret, (slice[]){slice_of(day, sizeof day), host, local}, 3, sum);
    return arena_format(arena, out_text, "SRS0=%.*s=%.*s=%.*s=%.*s", SRS_HASH_CHARACTERS, sum,
                        DAY_CHARACTERS, day, SLICE_ARG(host), SLICE_ARG(local));
}

/* `rest`: the first forwarder's SRS0 from behind its tag, separator included. */
static error write_srs1(slice secret, slice host, slice rest, struct arena *arena, slice *out_text)
{
    char sum[SRS_HASH_CHARACTERS];
    hash(secret, (slice[]){host, rest}, 2, sum);
    return arena_format(arena, out_text, "SRS1=%.*s=%.*s=%.*s", SRS_HASH_CHARACTERS, sum,
                        SLICE_ARG(host), SLICE_ARG(rest));
}

static error split_address(slice address, struct arena *arena, slice *out_local, slice *out_domain)
{
    slice local;
    if (address.size > SRS_ADDRESS_SIZE_MAX)
        return error_make(ERROR_LIMIT, "address is too long");
    if (!slice_cut_last(address, '@', &local, out_domain) || local.size == 0 ||
        !is_host(*out_domain))
        return error_make(ERROR_MALFORMED, "not an address");
    return unquote(local, arena, out_local);
}

error srs_forward(slice secret, slice sender, slice domain, int64_t now, struct arena *arena,
                  slice *out_address)
{
    slice local, host, text;
    struct parts parts;
    if (sender.size == 0) {
        *out_address = SLICE_EMPTY;
        return OK;
    }
    TRY(split_address(sender, arena, &local, &host));
    if (has_tag(local, "SRS0") && split_srs0(local, &parts))
        TRY(write_srs1(secret, host, slice_from(local, TAG_SIZE), arena, &text));
    else if (has_tag(local, "SRS1") && split_srs1(local, &parts))
        /* The hop between us and the first forwarder is left out: a bounce goes there at once. */
        TRY(write_srs1(secret, parts.host, parts.rest, arena, &text));
    else
        TRY(write_srs0(secret, host, local, now, arena, &text));
    return finish(text, domain, arena, out_address);
}

static error reverse_srs0(slice secret, slice local, int64_t now, struct arena *arena,
                          slice *out_address)
{
    struct parts parts;
    char sum[SRS_HASH_CHARACTERS];
    if (!split_srs0(local, &parts))
        return error_make(ERROR_NOT_FOUND, "not an SRS address");
    hash(secret, (slice[]){parts.day, parts.host, parts.local}, 3, sum);
    if (!hash_matches(parts.hash, sum))
        return error_make(ERROR_DENIED, "SRS hash does not match");
    if (!day_is_recent(parts.day, now))
        return error_make(ERROR_DENIED, "SRS address is too old");
    return finish(parts.local, parts.host, arena, out_address);
}

static error reverse_srs1(slice secret, slice local, struct arena *arena, slice *out_address)
{
    struct parts parts;
    char sum[SRS_HASH_CHARACTERS];
    slice text;
    if (!split_srs1(local, &parts))
        return error_make(ERROR_NOT_FOUND, "not an SRS address");
    hash(secret, (slice[]){parts.host, parts.rest}, 2, sum);
    if (!hash_matches(parts.hash, sum))
        return error_make(ERROR_DENIED, "SRS hash does not match");
    TRY(arena_format(arena, &text, "SRS0%.*s", SLICE_ARG(parts.rest)));
    return finish(text, parts.host, arena, out_address);
}

error srs_reverse(slice secret, slice address, int64_t now, struct arena *arena, slice *out_address)
{
    slice local, domain;
    if (failed(split_address(address, arena, &local, &domain)))
        return error_make(ERROR_NOT_FOUND, "not an SRS address");
    if (has_tag(local, "SRS0"))
        return reverse_srs0(secret, local, now, arena, out_address);
    if (has_tag(local, "SRS1"))
        return reverse_srs1(secret, local, arena, out_address);
    return error_make(ERROR_NOT_FOUND, "not an SRS address");
}
