/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/imap/fetch.h"

#include "format/imap/limits.h"
#include "format/imap/token.h"

enum {
    FAST = IMAP_FETCH_FLAGS | IMAP_FETCH_INTERNALDATE | IMAP_FETCH_SIZE,
    ALL = FAST | IMAP_FETCH_ENVELOPE,
    FULL = ALL | IMAP_FETCH_BODY,
};

struct word {
    slice name;
    uint32_t items;
};

static const struct word MACROS[] = {{{"ALL", 3}, ALL}, {{"FAST", 4}, FAST}, {{"FULL", 4}, FULL}};

static const struct word ITEMS[] = {
    {{"FLAGS", 5}, IMAP_FETCH_FLAGS},
    {{"UID", 3}, IMAP_FETCH_UID},
    {{"INTERNALDATE", 12}, IMAP_FETCH_INTERNALDATE},
    {{"RFC822.SIZE", 11}, IMAP_FETCH_SIZE},
    {{"ENVELOPE", 8}, IMAP_FETCH_ENVELOPE},
    {{"BODYSTRUCTURE", 13}, IMAP_FETCH_BODYSTRUCTURE},
};

/* RFC 3501 6.4.5: equivalents of BODY[...]; only RFC822.HEADER leaves \Seen alone. */
static const struct {
    slice name;
    struct imap_fetch_body body;
} OLD_BODIES[] = {
    {{"RFC822", 6}, {.label = IMAP_FETCH_AS_RFC822}},
    {{"RFC822.HEADER", 13},
     {.label = IMAP_FETCH_AS_RFC822_HEADER, .peek = true, .section.kind = IMAP_SECTION_HEADER}},
    {{"RFC822.TEXT", 11}, {.label = IMAP_FETCH_AS_RFC822_TEXT, .section.kind = IMAP_SECTION_TEXT}},
};

#define COUNT(array) (sizeof(array) / sizeof *(array))

struct parser {
    struct arena *arena;
    struct imap_fetch *fetch;
};

static error add_body(const struct parser *p, const struct imap_fetch_body *body)
{
    struct imap_fetch *fetch = p->fetch;
    if (fetch->body_count == IMAP_FETCH_BODIES_MAX)
        return error_make(ERROR_LIMIT, "too many BODY[] items in one FETCH");
    /* Room in powers of two. */
    if ((fetch->body_count & (fetch->body_count - 1)) == 0) {
        struct imap_fetch_body *room = ARENA_ARRAY(p->arena, struct imap_fetch_body,
                                                   fetch->body_count ? fetch->body_count * 2 : 1);
        TRY_MEMORY(room);
        if (fetch->body_count)
            memcpy(room, fetch->bodies, fetch->body_count * sizeof *room);
        fetch->bodies = room;
    }
    fetch->bodies[fetch->body_count++] = *body;
    return OK;
}

/* Behind BODY or BODY.PEEK. */
static error take_body(struct cursor *c, const struct parser *p, bool peek)
{
    if (!peek && cursor_peek(c) != '[') {
        p->fetch->items |= IMAP_FETCH_BODY;
        return OK;
    }
    struct imap_fetch_body body = {.label = IMAP_FETCH_AS_BODY, .peek = peek};
    TRY(imap_section_parse(c, p->arena, &body.section));
    TRY(imap_partial_parse(c, &body.partial));
    return add_body(p, &body);
}

/* An item's name ends at "[" and "<" too, which are ATOM-CHARs. */
static bool take_name(struct cursor *c, slice *out_name)
{
    struct cursor ahead = *c;
    slice atom;
    if (!cursor_take_set(&ahead, IMAP_ATOM_SET, &atom))
        return false;
    ptrdiff_t bracket = slice_find_byte(atom, '[');
    if (bracket >= 0)
        atom.size = (size_t)bracket;
    c->at = atom.data + atom.size;
    *out_name = atom;
    return true;
}

static error take_item(struct cursor *c, const struct parser *p)
{
    slice name;
    if (!take_name(c, &name))
        return error_make(ERROR_MALFORMED, "expected a FETCH item");
    for (size_t i = 0; i < COUNT(ITEMS); i++) {
        if (slice_equal_nocase(name, ITEMS[i].name)) {
            p->fetch->items |= ITEMS[i].items;
            return OK;
        }
    }
    for (size_t i = 0; i < COUNT(OLD_BODIES); i++)
        if (slice_equal_nocase(name, OLD_BODIES[i].name))
            return add_body(p, &OLD_BODIES[i].body);
    if (slice_equal_nocase(name, SLICE("BODY")))
        return take_body(c, p, false);
    if (slice_equal_nocase(name, SLICE("BODY.PEEK")))
        return take_body(c, p, true);
    return error_make(ERROR_MALFORMED, "unknown FETCH item");
}

static error take_items(struct cursor *c, const struct parser *p)
{
    for (size_t i = 0; i < COUNT(MACROS); i++) {
        if (imap_try_word(c, MACROS[i].name)) {
            p->fetch->items = MACROS[i].items;
            return OK;
        }
    }
    if (!cursor_take_byte(c, '('))
        return take_item(c, p);
    bool more = true;
    while (more) {
        TRY(take_item(c, p));
        TRY(imap_take_next_in_list(c, &more));
    }
    return OK;
}

error imap_fetch_parse(struct cursor *c, struct arena *arena, struct imap_fetch *out_fetch)
{
    struct cursor ahead = *c;
    struct imap_fetch fetch = {0};
    TRY(imap_take_space(&ahead));
    TRY(imap_set_parse(&ahead, arena, &fetch.set));
    TRY(imap_take_space(&ahead));
    TRY(take_items(&ahead, &(struct parser){arena, &fetch}));
    TRY(imap_take_end(&ahead));
    *c = ahead;
    *out_fetch = fetch;
    return OK;
}

void imap_fetch_body_write_name(const struct imap_fetch_body *body, struct buffer *out)
{
    static const char *const NAMES[] = {
        [IMAP_FETCH_AS_BODY] = "BODY",
        [IMAP_FETCH_AS_RFC822] = "RFC822",
        [IMAP_FETCH_AS_RFC822_HEADER] = "RFC822.HEADER",
        [IMAP_FETCH_AS_RFC822_TEXT] = "RFC822.TEXT",
    };
    buffer_add_string(out, NAMES[body->label]);
    if (body->label != IMAP_FETCH_AS_BODY)
        return;
    imap_section_write(&body->section, out);
    if (body->partial.given) {
        buffer_add_byte(out, '<'); /* RFC 3501 7.4.2: only the origin octet */
        buffer_add_u64(out, body->partial.offset);
        buffer_add_byte(out, '>');
    }
}
