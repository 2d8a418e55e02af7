/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/imap/list.h"

#include "format/imap/limits.h"
#include "format/imap/status.h"
#include "format/imap/token.h"
#include "format/imap/write.h"

struct option {
    slice name;
    uint32_t bit;
};

static const struct option SELECTIONS[] = {
    {{"SUBSCRIBED", 10}, IMAP_LIST_SUBSCRIBED},
    {{"REMOTE", 6}, IMAP_LIST_REMOTE},
    {{"RECURSIVEMATCH", 14}, IMAP_LIST_RECURSIVE_MATCH},
    {{"SPECIAL-USE", 11}, IMAP_LIST_SPECIAL_USE},
    {{NULL, 0}, 0},
};

static const struct option RETURNS[] = {
    {{"SUBSCRIBED", 10}, IMAP_LIST_RETURN_SUBSCRIBED},
    {{"CHILDREN", 8}, IMAP_LIST_RETURN_CHILDREN},
    {{"SPECIAL-USE", 11}, IMAP_LIST_RETURN_SPECIAL_USE},
    {{"STATUS", 6}, IMAP_LIST_RETURN_STATUS},
    {{NULL, 0}, 0},
};

static const slice ATTRIBUTES[IMAP_ATTRIBUTE_COUNT] = {
    {"\\NonExistent", 12}, {"\\Noselect", 9},       {"\\Noinferiors", 12},
    {"\\HasChildren", 12}, {"\\HasNoChildren", 14}, {"\\Subscribed", 11},
    {"\\Archive", 8},      {"\\Drafts", 7},         {"\\Flagged", 8},
    {"\\Junk", 5},         {"\\Sent", 5},           {"\\Trash", 6},
    {"\\All", 4},
};

static error take_option(struct cursor *c, const struct option *options, uint32_t *out_bit)
{
    for (; options->name.data; options++) {
        if (imap_try_word(c, options->name)) {
            *out_bit = options->bit;
            return OK;
        }
    }
    return error_make(ERROR_MALFORMED, "unknown LIST option");
}

/* "(" [option *(SP option)] ")"; STATUS brings its items. */
static error take_options(struct cursor *c, const struct option *options, uint32_t *out_bits,
                          uint32_t *out_status_items)
{
    TRY(imap_take_open(c));
    bool more = !cursor_take_byte(c, ')');
    while (more) {
        uint32_t bit;
        TRY(take_option(c, options, &bit));
        if (options == RETURNS && bit == IMAP_LIST_RETURN_STATUS) {
            TRY(imap_take_space(c));
            TRY(imap_status_items_parse(c, out_status_items));
        }
        *out_bits |= bit;
        TRY(imap_take_next_in_list(c, &more));
    }
    return OK;
}

static error add_pattern(struct cursor *c, struct arena *arena, enum imap_name_form form,
                         struct imap_list *list)
{
    if (list->pattern_count == IMAP_PATTERNS_MAX)
        return error_make(ERROR_LIMIT, "too many patterns in LIST");
    return imap_mailbox_pattern_parse(c, arena, form, &list->patterns[list->pattern_count++]);
}

/* mbox-or-pat: one pattern, or several in parentheses. */
static error take_patterns(struct cursor *c, struct arena *arena, enum imap_name_form form,
                           struct imap_list *list)
{
    list->patterns = ARENA_ARRAY(arena, slice, IMAP_PATTERNS_MAX);
    TRY_MEMORY(list->patterns);
    if (!cursor_take_byte(c, '('))
        return add_pattern(c, arena, form, list);
    list->extended = true;
    bool more = true;
    while (more) {
        TRY(add_pattern(c, arena, form, list));
        TRY(imap_take_next_in_list(c, &more));
    }
    return OK;
}

error imap_list_parse(struct cursor *c, struct arena *arena, enum imap_name_form form,
                      struct imap_list *out_list)
{
    struct cursor ahead = *c;
    struct imap_list list = {0};
    TRY(imap_take_space(&ahead));
    if (cursor_peek(&ahead) == '(') {
        list.extended = true;
        TRY(take_options(&ahead, SELECTIONS, &list.select, &list.status_items));
        TRY(imap_take_space(&ahead));
    }
    TRY(imap_mailbox_reference_parse(&ahead, arena, form, &list.reference));
    TRY(imap_take_space(&ahead));
    TRY(take_patterns(&ahead, arena, form, &list));
    if (cursor_take_byte(&ahead, ' ')) {
        list.extended = true;
        if (!imap_try_word(&ahead, SLICE("RETURN")))
            return error_make(ERROR_MALFORMED, "expected RETURN");
        TRY(imap_take_space(&ahead));
        TRY(take_options(&ahead, RETURNS, &list.give, &list.status_items));
    }
    TRY(imap_take_end(&ahead));
    /* RFC 5258 3.1: RECURSIVEMATCH only modifies another selection option */
    if (list.select & IMAP_LIST_RECURSIVE_MATCH &&
        !(list.select & (IMAP_LIST_SUBSCRIBED | IMAP_LIST_SPECIAL_USE)))
        return error_make(ERROR_MALFORMED, "RECURSIVEMATCH needs another option");
    *c = ahead;
    *out_list = list;
    return OK;
}

error imap_lsub_parse(struct cursor *c, struct arena *arena, enum imap_name_form form,
                      struct imap_list *out_list)
{
    struct cursor ahead = *c;
    struct imap_list list = {.select = IMAP_LIST_SUBSCRIBED};
    TRY(imap_take_space(&ahead));
    TRY(imap_mailbox_reference_parse(&ahead, arena, form, &list.reference));
    TRY(imap_take_space(&ahead));
    list.patterns = ARENA_ARRAY(arena, slice, IMAP_PATTERNS_MAX);
    TRY_MEMORY(list.patterns);
    TRY(add_pattern(&ahead, arena, form, &list));
    TRY(imap_take_end(&ahead));
    *c = ahead;
    *out_list = list;
    return OK;
}

void imap_list_write(const struct imap_list_line *line, enum imap_name_form form,
                     struct buffer *out)
{
    buffer_add(out, SLICE("* "));
    buffer_add_string(out, line->verb);
    const char *before = " (";
    for (unsigned i = 0; i < IMAP_ATTRIBUTE_COUNT; i++) {
        if (!(line->attributes & 1u << i))
            continue;
        buffer_add_string(out, before);
        buffer_add(out, ATTRIBUTES[i]);
        before = " ";
    }
    buffer_add_string(out, line->attributes ? ") " : " () ");
    if (line->separator)
        imap_write_string(slice_of(&line->separator, 1), false, out);
    else
        buffer_add(out, SLICE("NIL"));
    buffer_add_byte(out, ' ');
    imap_mailbox_write(line->name, form, out);
    if (line->child_info_subscribed)
        buffer_add(out, SLICE(" (\"CHILDINFO\" (\"SUBSCRIBED\"))"));
    buffer_add(out, SLICE("\r\n"));
}
