/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/smtp/path.h"

#include "base/utf8.h"
#include "format/mail/address.h"
#include "format/text/idna.h"

#include <arpa/inet.h>

static error malformed(void)
{
    return error_make(ERROR_MALFORMED, "not a path");
}

/* RFC 5321 4.1.2 Atom; RFC 6531 3.3 adds UTF-8. */
static bool is_atext(unsigned char byte)
{
    return ascii_is_alpha((char)byte) || ascii_is_digit((char)byte) || byte >= 0x80 ||
           (byte && strchr("!#$%&'*+-/=?^_`{|}~", byte));
}

/* Dots may be anywhere: "a..b@c" exists, and it is written quoted when it goes on from here. */
static error take_dot_string(struct cursor *c, slice *out_local)
{
    const char *start = c->at;
    while (c->at < c->end && (is_atext((unsigned char)*c->at) || *c->at == '.'))
        c->at++;
    *out_local = (slice){start, (size_t)(c->at - start)};
    return out_local->size ? OK : malformed();
}

static error take_quoted_string(struct arena *arena, struct cursor *c, slice *out_local)
{
    char *local = arena_alloc_bytes(arena, SMTP_LOCAL_SIZE_MAX);
    TRY_MEMORY(local);
    size_t size = 0;
    c->at++;
    for (;; c->at++) {
        int byte = cursor_peek(c);
        if (byte == '"')
            break;
        if (byte == '\\') {
            c->at++;
            byte = cursor_peek(c);
            if (byte >= 0x80)
                return malformed();
        }
        if (byte < ' ' || byte == 0x7f)
            return malformed();
        if (size == SMTP_LOCAL_SIZE_MAX)
            return error_make(ERROR_LIMIT, "local part too long");
        local[size++] = (char)byte;
    }
    c->at++;
    *out_local = (slice){local, size};
    return OK;
}

/* RFC 5321 4.1.3: "[192.0.2.1]", "[IPv6:2001:db8::1]". Other tags are not known to anyone. */
static bool literal_is_valid(slice literal)
{
    char text[INET6_ADDRSTRLEN];
    unsigned char address[16];
    slice inner = slice_sub(literal, 1, literal.size - 2);
    bool six = slice_starts_nocase(inner, SLICE("IPv6:"));
    if (six)
        inner = slice_from(inner, 5);
    if (inner.size == 0 || inner.size >= sizeof text)
        return false;
    memcpy(text, inner.data, inner.size);
    text[inner.size] = '\0';
    return inet_pton(six ? AF_INET6 : AF_INET, text, address) == 1;
}

static error take_domain(struct arena *arena, struct cursor *c, struct smtp_path *path)
{
    const char *start = c->at;
    if (cursor_peek(c) == '[') {
        while (c->at < c->end && *c->at != ']')
            c->at++;
        if (!cursor_take_byte(c, ']'))
            return malformed();
        path->domain = (slice){start, (size_t)(c->at - start)};
        path->domain_ascii = path->domain;
        path->literal = true;
        return literal_is_valid(path->domain) ? OK : malformed();
    }
    while (c->at < c->end) {
        unsigned char byte = (unsigned char)*c->at;
        if (!ascii_is_alpha((char)byte) && !ascii_is_digit((char)byte) && byte < 0x80 &&
            byte != '-' && byte != '.' && byte != '_')
            break;
        c->at++;
    }
    path->domain = (slice){start, (size_t)(c->at - start)};
    if (path->domain.size > SMTP_DOMAIN_SIZE_MAX)
        return error_make(ERROR_LIMIT, "domain too long");
    return idna_to_ascii(arena, path->domain, &path->domain_ascii);
}

/* local ["@" domain]. */
static error take_mailbox(struct arena *arena, struct cursor *c, struct smtp_path *path)
{
    if (cursor_peek(c) == '"')
        TRY(take_quoted_string(arena, c, &path->local));
    else
        TRY(take_dot_string(c, &path->local));
    if (path->local.size > SMTP_LOCAL_SIZE_MAX)
        return error_make(ERROR_LIMIT, "local part too long");
    if (cursor_take_byte(c, '@'))
        TRY(take_domain(arena, c, path));
    if (!utf8_is_valid(path->local) || !utf8_is_valid(path->domain))
        return malformed();
    path->utf8 = !utf8_is_ascii(path->local) || !utf8_is_ascii(path->domain);
    return OK;
}

static error write_address(struct arena *arena, struct smtp_path *path)
{
    struct buffer buffer;
    buffer_init(&buffer, 2 * SMTP_LOCAL_SIZE_MAX + SMTP_DOMAIN_SIZE_MAX + 8);
    mail_address_write(&buffer, path->local, path->domain_ascii);
    error problem = buffer_check(&buffer);
    if (!failed(problem))
        problem = arena_copy(arena, buffer_slice(&buffer), &path->address);
    buffer_close(&buffer);
    return problem;
}

/* RFC 5321 appendix C: "@one,@two:" is read and forgotten. */
static error skip_route(struct arena *arena, struct cursor *c)
{
    struct smtp_path hop;
    do {
        hop = (struct smtp_path){0};
        if (!cursor_take_byte(c, '@'))
            return malformed();
        TRY(take_domain(arena, c, &hop));
    } while (cursor_take_byte(c, ','));
    return cursor_take_byte(c, ':') ? OK : malformed();
}

static error take_path(struct arena *arena, struct cursor *c, bool empty, struct smtp_path *path)
{
    if (!cursor_take_byte(c, '<'))
        return malformed();
    if (empty && cursor_take_byte(c, '>')) {
        path->address = SLICE("");
        return OK;
    }
    if (cursor_peek(c) == '@')
        TRY(skip_route(arena, c));
    TRY(take_mailbox(arena, c, path));
    if (!cursor_take_byte(c, '>'))
        return malformed();
    if (path->domain.size == 0 &&
        (empty || !slice_equal_nocase(path->local, SLICE("postmaster")))) /* RFC 5321 4.5.1 */
        return malformed();
    return write_address(arena, path);
}

error smtp_path_take(struct arena *arena, struct cursor *c, bool empty, struct smtp_path *out_path)
{
    struct cursor at = *c;
    struct smtp_path path = {0};
    TRY(take_path(arena, &at, empty, &path));
    *c = at;
    *out_path = path;
    return OK;
}

error smtp_path_parse(struct arena *arena, slice mailbox, struct smtp_path *out_path)
{
    struct cursor c = cursor_over(mailbox);
    struct smtp_path path = {0};
    TRY(take_mailbox(arena, &c, &path));
    if (!cursor_done(&c) || path.domain.size == 0)
        return malformed();
    TRY(write_address(arena, &path));
    *out_path = path;
    return OK;
}
