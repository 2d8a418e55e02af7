/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/imap/flag.h"

#include "format/imap/limits.h"
#include "format/imap/token.h"

static const struct {
    enum imap_flag flag;
    slice name;
} SYSTEM_FLAGS[] = {
    {IMAP_FLAG_ANSWERED, {"\\Answered", 9}}, {IMAP_FLAG_FLAGGED, {"\\Flagged", 8}},
    {IMAP_FLAG_DELETED, {"\\Deleted", 8}},   {IMAP_FLAG_SEEN, {"\\Seen", 5}},
    {IMAP_FLAG_DRAFT, {"\\Draft", 6}},       {IMAP_FLAG_RECENT, {"\\Recent", 7}},
};
enum { SYSTEM_FLAG_COUNT = sizeof SYSTEM_FLAGS / sizeof *SYSTEM_FLAGS };

static error add_keyword(struct imap_flags *flags, struct arena *arena, slice keyword)
{
    if (keyword.size > IMAP_KEYWORD_SIZE_MAX)
        return error_make(ERROR_LIMIT, "the keyword is too long");
    for (uint32_t i = 0; i < flags->keyword_count; i++)
        if (slice_equal_nocase(flags->keywords[i], keyword))
            return OK;
    if (flags->keyword_count == IMAP_FLAGS_MAX)
        return error_make(ERROR_LIMIT, "too many keywords in one command");
    /* Room in powers of two. */
    if ((flags->keyword_count & (flags->keyword_count - 1)) == 0) {
        slice *room =
            ARENA_ARRAY(arena, slice, flags->keyword_count ? flags->keyword_count * 2 : 1);
        TRY_MEMORY(room);
        if (flags->keyword_count)
            memcpy(room, flags->keywords, flags->keyword_count * sizeof *room);
        flags->keywords = room;
    }
    flags->keywords[flags->keyword_count++] = keyword;
    return OK;
}

error imap_flag_parse(struct cursor *c, struct arena *arena, struct imap_flags *flags)
{
    struct cursor ahead = *c;
    slice atom;
    if (!cursor_take_byte(&ahead, '\\')) {
        TRY(imap_take_atom(&ahead, &atom));
        TRY(add_keyword(flags, arena, atom));
        *c = ahead;
        return OK;
    }
    TRY(imap_take_atom(&ahead, &atom));
    for (int i = 0; i < SYSTEM_FLAG_COUNT; i++) {
        if (!slice_equal_nocase(atom, slice_from(SYSTEM_FLAGS[i].name, 1)))
            continue;
        if (SYSTEM_FLAGS[i].flag == IMAP_FLAG_RECENT) /* RFC 3501 2.3.2: not altered by clients */
            break;
        flags->system |= SYSTEM_FLAGS[i].flag;
        *c = ahead;
        return OK;
    }
    return error_make(ERROR_MALFORMED, "unknown system flag");
}

error imap_flag_list_parse(struct cursor *c, struct arena *arena, struct imap_flags *out_flags)
{
    struct cursor ahead = *c;
    struct imap_flags flags = {0};
    TRY(imap_take_open(&ahead));
    bool more = !cursor_take_byte(&ahead, ')');
    while (more) {
        TRY(imap_flag_parse(&ahead, arena, &flags));
        TRY(imap_take_next_in_list(&ahead, &more));
    }
    *c = ahead;
    *out_flags = flags;
    return OK;
}

error imap_flags_parse(struct cursor *c, struct arena *arena, struct imap_flags *out_flags)
{
    if (cursor_peek(c) == '(')
        return imap_flag_list_parse(c, arena, out_flags);
    struct cursor ahead = *c;
    struct imap_flags flags = {0};
    do
        TRY(imap_flag_parse(&ahead, arena, &flags));
    while (cursor_take_byte(&ahead, ' '));
    *c = ahead;
    *out_flags = flags;
    return OK;
}

bool imap_keyword_is_valid(slice name)
{
    struct cursor c = cursor_over(name);
    slice atom;
    return name.size <= IMAP_KEYWORD_SIZE_MAX && cursor_take_set(&c, IMAP_ATOM_SET, &atom) &&
           cursor_done(&c);
}

void imap_flags_write(uint32_t system, const slice *keywords, size_t keyword_count,
                      struct buffer *out)
{
    const char *before = "(";
    for (int i = 0; i < SYSTEM_FLAG_COUNT; i++) {
        if (!(system & SYSTEM_FLAGS[i].flag))
            continue;
        buffer_add_string(out, before);
        buffer_add(out, SYSTEM_FLAGS[i].name);
        before = " ";
    }
    for (size_t i = 0; i < keyword_count; i++) {
        buffer_add_string(out, before);
        buffer_add(out, keywords[i]);
        before = " ";
    }
    buffer_add_string(out, *before == '(' ? "()" : ")");
}
