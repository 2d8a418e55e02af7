/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/mail/address.h"

#include "base/cursor.h"

/* The words before a '<', '@' or ':' are gathered twice: as a display name, with their blanks, and
 * as the local part that the last of them may turn out to be. */
struct reader {
    struct arena *arena;
    struct cursor c;
    struct buffer name;
    struct buffer local;
    struct buffer domain;
    size_t local_start; /* of the local part in the name */
    slice comment;      /* the last one seen, raw */
    bool in_group;
    unsigned count;
    struct mail_address *first;
    struct mail_address **tail;
};

static bool is_blank(int byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

/* Bytes that end a word. The other specials of RFC 5322 3.2.3 are let through: people write
 * "Foo [Bar] <a@b>". */
static bool ends_word(int byte)
{
    return byte < 0 || is_blank(byte) || byte == '(' || byte == '<' || byte == '>' || byte == ':' ||
           byte == ';' || byte == '@' || byte == ',' || byte == '"';
}

/* At '('. Keeps what is inside; a comment that never ends goes to the end. */
static void take_comment(struct reader *r)
{
    struct cursor *c = &r->c;
    const char *start = ++c->at;
    unsigned depth = 1;
    for (; c->at < c->end; c->at++) {
        if (*c->at == '\\' && c->at + 1 < c->end)
            c->at++;
        else if (*c->at == '(' && depth < MAIL_ADDRESS_COMMENT_DEPTH_MAX)
            depth++;
        else if (*c->at == ')' && --depth == 0)
            break;
    }
    r->comment = (slice){start, (size_t)(c->at - start)};
    if (c->at < c->end)
        c->at++;
}

/* True where anything was skipped. */
static bool skip_cfws(struct reader *r)
{
    const char *start = r->c.at;
    for (;;) {
        int byte = cursor_peek(&r->c);
        if (byte == '(')
            take_comment(r);
        else if (is_blank(byte))
            r->c.at++;
        else
            return r->c.at != start;
    }
}

/* Unescaped, without line ends. At '"'. */
static void take_quoted(struct cursor *c, struct buffer *out)
{
    c->at++;
    for (; c->at < c->end && *c->at != '"'; c->at++) {
        if (*c->at == '\\' && c->at + 1 < c->end)
            c->at++;
        if (*c->at != '\r' && *c->at != '\n')
            buffer_add_byte(out, *c->at);
    }
    if (c->at < c->end)
        c->at++;
}

static void take_atom(struct cursor *c, struct buffer *out)
{
    const char *start = c->at;
    while (!ends_word(cursor_peek(c)))
        c->at++;
    buffer_add(out, (slice){start, (size_t)(c->at - start)});
}

static void take_word(struct cursor *c, struct buffer *out)
{
    if (cursor_peek(c) == '"')
        take_quoted(c, out);
    else
        take_atom(c, out);
}

static bool ends_in_dot(const struct buffer *b)
{
    return b->size && b->data[b->size - 1] == '.';
}

/* Words up to something that is no word. RFC 5322 4.4: a local part may have blanks at its dots. */
static void take_words(struct reader *r)
{
    bool blank = false, adjacent = false;
    for (;; blank = skip_cfws(r)) {
        int byte = cursor_peek(&r->c);
        if (byte != '"' && ends_word(byte))
            return;
        if (blank && r->name.size)
            buffer_add_byte(&r->name, ' ');
        bool glued = ends_in_dot(&r->local) || byte == '.' || (adjacent && !blank);
        if (!glued) {
            buffer_reset(&r->local);
            r->local_start = r->name.size;
        }
        struct cursor again = r->c;
        take_word(&r->c, &r->name);
        take_word(&again, &r->local);
        adjacent = true;
    }
}

/* Behind '@'. */
static void take_domain(struct reader *r)
{
    buffer_reset(&r->domain);
    for (;;) {
        skip_cfws(r);
        int byte = cursor_peek(&r->c);
        if (byte == '[' && r->domain.size == 0) { /* address literal */
            while (cursor_peek(&r->c) >= 0 && cursor_peek(&r->c) != ']') {
                if (!is_blank(cursor_peek(&r->c)))
                    buffer_add_byte(&r->domain, *r->c.at);
                r->c.at++;
            }
            if (cursor_take_byte(&r->c, ']'))
                buffer_add_byte(&r->domain, ']');
            return;
        }
        if (ends_word(byte) || (r->domain.size && byte != '.' && !ends_in_dot(&r->domain)))
            return;
        take_atom(&r->c, &r->domain);
    }
}

static error append(struct reader *r, enum mail_address_kind kind,
                    struct mail_address **out_address)
{
    struct mail_address *address = ARENA_NEW(r->arena, struct mail_address);
    TRY_MEMORY(address);
    address->kind = kind;
    *r->tail = address;
    r->tail = &address->next;
    r->count++;
    *out_address = address;
    return OK;
}

/* A comment is read like a quoted string: escapes undone, line ends dropped. */
static error set_name(struct reader *r, struct mail_address *address)
{
    if (r->name.size == 0 && r->comment.data) {
        for (size_t i = 0; i < r->comment.size; i++) {
            char byte = r->comment.data[i];
            if (byte == '\\' && i + 1 < r->comment.size)
                byte = r->comment.data[++i];
            if (byte != '\r' && byte != '\n')
                buffer_add_byte(&r->name, byte);
        }
    }
    slice name = slice_trim(buffer_slice(&r->name));
    return name.size ? arena_copy(r->arena, name, &address->name) : OK;
}

static error append_mailbox(struct reader *r, slice route)
{
    struct mail_address *address;
    TRY(append(r, MAIL_ADDRESS_MAILBOX, &address));
    TRY(set_name(r, address));
    address->route = route;
    TRY(arena_copy(r->arena, buffer_slice(&r->local), &address->local));
    TRY(arena_copy(r->arena, buffer_slice(&r->domain), &address->domain));
    bool nothing = !address->local.size && !address->domain.size; /* <> is a path of its own */
    address->incomplete = !address->local.size || !address->domain.size;
    if (!nothing && !address->local.size)
        address->local = SLICE("MISSING_MAILBOX");
    if (!nothing && !address->domain.size)
        address->domain = SLICE("MISSING_DOMAIN");
    return OK;
}

/* At '<'; r->name is what stood before it. */
static error take_angle(struct reader *r)
{
    slice route = SLICE_EMPTY;
    buffer_reset(&r->local);
    buffer_reset(&r->domain);
    r->c.at++;
    skip_cfws(r);
    if (cursor_peek(&r->c) == '@') { /* RFC 5322 4.4: obs-route */
        const char *start = r->c.at;
        while (cursor_peek(&r->c) >= 0 && *r->c.at != ':' && *r->c.at != '>')
            r->c.at++;
        slice text = {start, (size_t)(r->c.at - start)};
        if (cursor_take_byte(&r->c, ':'))
            route = slice_trim(text);
        else
            r->c.at = start; /* "<@domain>": no local part */
        skip_cfws(r);
    }
    for (bool blank = false;; blank = skip_cfws(r)) {
        int byte = cursor_peek(&r->c);
        if (byte == ',' || byte == ';' || byte == ':') { /* not where it may be: part of the name */
            buffer_add_byte(&r->local, (char)byte);
            r->c.at++;
            continue;
        }
        if (byte != '"' && ends_word(byte))
            break;
        if (blank && r->local.size && byte != '.' && !ends_in_dot(&r->local))
            buffer_add_byte(&r->local, ' ');
        take_word(&r->c, &r->local);
    }
    if (cursor_take_byte(&r->c, '@'))
        take_domain(r);
    /* Whatever follows up to the '>' is lost. */
    while (cursor_peek(&r->c) >= 0 && cursor_peek(&r->c) != '>' && cursor_peek(&r->c) != '<')
        r->c.at++;
    cursor_take_byte(&r->c, '>');
    skip_cfws(r);
    while (cursor_peek(&r->c) >= 0 && !strchr(",;<(", *r->c.at))
        r->c.at++;
    return append_mailbox(r, route);
}

/* At '@' behind words: "a@b", or the unquoted display name of "a@b <a@b>". */
static error take_bare(struct reader *r, const char *start)
{
    r->c.at++;
    take_domain(r);
    buffer_truncate(&r->name, r->local_start); /* words before it: a name without brackets */
    skip_cfws(r);
    while (cursor_peek(&r->c) >= 0 && !strchr(",;<", *r->c.at))
        r->c.at++;
    if (cursor_peek(&r->c) != '<')
        return append_mailbox(r, SLICE_EMPTY);
    buffer_reset(&r->name);
    buffer_add(&r->name, slice_trim((slice){start, (size_t)(r->c.at - start)}));
    return take_angle(r);
}

static error start_group(struct reader *r)
{
    struct mail_address *group;
    r->c.at++;
    TRY(append(r, MAIL_ADDRESS_GROUP_START, &group));
    r->in_group = true;
    return arena_copy(r->arena, slice_trim(buffer_slice(&r->name)), &group->local);
}

static error end_group(struct reader *r)
{
    struct mail_address *end;
    r->in_group = false;
    return append(r, MAIL_ADDRESS_GROUP_END, &end);
}

static error take_one(struct reader *r)
{
    const char *start = r->c.at;
    buffer_reset(&r->name);
    buffer_reset(&r->local);
    buffer_reset(&r->domain);
    r->local_start = 0;
    take_words(r);
    switch (cursor_peek(&r->c)) {
    case '<':
        return take_angle(r);
    case '@':
        return take_bare(r, start);
    case ':':
        if (!r->in_group && r->name.size)
            return start_group(r);
        r->c.at++; /* groups do not nest */
        return OK;
    case '>':
        r->c.at++;
        break;
    }
    if (r->name.size == 0)
        return OK;
    /* Neither '<' nor '@': all of it is the local part, as in mail between users of one host. */
    buffer_reset(&r->local);
    buffer_add(&r->local, buffer_slice(&r->name));
    buffer_reset(&r->name);
    return append_mailbox(r, SLICE_EMPTY);
}

static error take_list(struct reader *r)
{
    for (;;) {
        r->comment = SLICE_EMPTY;
        skip_cfws(r);
        int byte = cursor_peek(&r->c);
        if (byte < 0 || r->count >= MAIL_ADDRESS_COUNT_MAX)
            break;
        if (byte == ',') {
            r->c.at++;
        } else if (byte == ';') {
            r->c.at++;
            if (r->in_group)
                TRY(end_group(r));
        } else {
            r->comment = SLICE_EMPTY;
            TRY(take_one(r));
        }
    }
    return r->in_group ? end_group(r) : OK;
}

error mail_address_parse(struct arena *arena, slice value, struct mail_address **out_first)
{
    struct reader r = {.arena = arena, .c = cursor_over(value)};
    r.tail = &r.first;
    buffer_init(&r.name, value.size + 1);
    buffer_init(&r.local, value.size + 1);
    buffer_init(&r.domain, value.size + 1);
    error problem = take_list(&r);
    if (!failed(problem))
        *out_first = r.first;
    buffer_close(&r.name);
    buffer_close(&r.local);
    buffer_close(&r.domain);
    return problem;
}

bool mail_address_local_is_plain(slice local)
{
    bool after_dot = true; /* a dot may not come first */
    for (size_t i = 0; i < local.size; i++) {
        unsigned char byte = (unsigned char)local.data[i];
        bool dot = byte == '.';
        if ((dot && after_dot) || byte <= ' ' || byte == 0x7f || strchr("()<>[]:;@\\,\"", byte))
            return false;
        after_dot = dot;
    }
    return local.size && !after_dot;
}

void mail_address_write(struct buffer *buffer, slice local, slice domain)
{
    if (mail_address_local_is_plain(local)) {
        buffer_add(buffer, local);
    } else {
        buffer_add_byte(buffer, '"');
        for (size_t i = 0; i < local.size; i++) {
            if (local.data[i] == '"' || local.data[i] == '\\')
                buffer_add_byte(buffer, '\\');
            buffer_add_byte(buffer, local.data[i]);
        }
        buffer_add_byte(buffer, '"');
    }
    if (domain.size) {
        buffer_add_byte(buffer, '@');
        buffer_add(buffer, domain);
    }
}
