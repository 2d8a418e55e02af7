/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/imap/list.h"

#include "format/imap/pattern.h"
#include "service/imap/command/command.h"

struct patterns {
    struct imap_pattern *compiled;
    uint32_t count;
};

static bool matches(const struct patterns *patterns, slice name)
{
    for (uint32_t i = 0; i < patterns->count; i++)
        if (imap_pattern_matches(&patterns->compiled[i], name))
            return true;
    return false;
}

/* RFC 3501 6.3.8: the reference goes before the pattern as it is. */
static error compile(struct imap_session *s, const struct imap_list *list, struct patterns *out)
{
    out->count = list->pattern_count;
    out->compiled = ARENA_ARRAY(&s->base.arena, struct imap_pattern, list->pattern_count);
    TRY_MEMORY(out->compiled);
    for (uint32_t i = 0; i < list->pattern_count; i++) {
        slice whole;
        TRY(arena_format(&s->base.arena, &whole, "%.*s%.*s", SLICE_ARG(list->reference),
                         SLICE_ARG(list->patterns[i])));
        TRY(imap_pattern_compile(whole, STORE_SEPARATOR, &s->base.arena, &out->compiled[i]));
    }
    return OK;
}

static uint32_t shown_attributes(const struct mailbox_entry *entry, const struct imap_list *list)
{
    static const struct {
        unsigned stored;
        uint32_t shown;
    } SAME[] = {
        {MAILBOX_SENT, IMAP_ATTRIBUTE_SENT},       {MAILBOX_DRAFTS, IMAP_ATTRIBUTE_DRAFTS},
        {MAILBOX_JUNK, IMAP_ATTRIBUTE_JUNK},       {MAILBOX_TRASH, IMAP_ATTRIBUTE_TRASH},
        {MAILBOX_ARCHIVE, IMAP_ATTRIBUTE_ARCHIVE},
    };
    bool children = entry->attributes & MAILBOX_HAS_CHILDREN;
    uint32_t shown = children ? IMAP_ATTRIBUTE_HAS_CHILDREN : IMAP_ATTRIBUTE_HAS_NO_CHILDREN;
    for (size_t i = 0; i < sizeof SAME / sizeof *SAME; i++)
        if (entry->attributes & SAME[i].stored)
            shown |= SAME[i].shown;
    /* RFC 5258 3: \NonExistent says \Noselect; clients of before know only that. */
    if (entry->attributes & MAILBOX_NONEXISTENT && list->extended)
        shown |= IMAP_ATTRIBUTE_NONEXISTENT;
    else if (entry->attributes & (MAILBOX_NOSELECT | MAILBOX_NONEXISTENT))
        shown |= IMAP_ATTRIBUTE_NOSELECT;
    bool say_subscribed =
        list->select & IMAP_LIST_SUBSCRIBED || list->give & IMAP_LIST_RETURN_SUBSCRIBED;
    if (say_subscribed && entry->attributes & MAILBOX_SUBSCRIBED)
        shown |= IMAP_ATTRIBUTE_SUBSCRIBED;
    return shown;
}

static bool is_selected(const struct mailbox_entry *entry, const struct imap_list *list)
{
    if (list->select & IMAP_LIST_SUBSCRIBED && !(entry->attributes & MAILBOX_SUBSCRIBED))
        return false;
    if (list->select & IMAP_LIST_SPECIAL_USE && !(entry->attributes & MAILBOX_SPECIAL_USE))
        return false;
    /* What is only subscribed is not there. */
    return list->select & IMAP_LIST_SUBSCRIBED || !(entry->attributes & MAILBOX_NONEXISTENT);
}

static bool is_below(slice child, slice parent)
{
    return child.size > parent.size && slice_starts(child, parent) &&
           child.data[parent.size] == STORE_SEPARATOR;
}

/* RECURSIVEMATCH (RFC 5258 3.5): a child, at any depth, is selected but not itself matched. */
static bool has_selected_child(const struct mailbox_entry *entries, size_t count, size_t parent,
                               const struct imap_list *list, const struct patterns *patterns)
{
    slice name = entries[parent].name;
    for (size_t i = 0; i < count; i++)
        if (is_below(entries[i].name, name) && is_selected(&entries[i], list) &&
            !matches(patterns, entries[i].name))
            return true;
    return false;
}

static error write_entry(struct imap_session *s, const struct imap_list *list,
                         const struct mailbox_entry *entry, bool child_info)
{
    imap_list_write(&(struct imap_list_line){.verb = "LIST",
                                             .attributes = shown_attributes(entry, list),
                                             .separator = STORE_SEPARATOR,
                                             .name = entry->name,
                                             .child_info_subscribed = child_info},
                    s->name_form, &s->base.out);
    /* RFC 5819 2: no STATUS for what cannot be selected */
    if (list->give & IMAP_LIST_RETURN_STATUS &&
        !(entry->attributes & (MAILBOX_NOSELECT | MAILBOX_NONEXISTENT))) {
        error problem = imap_command_write_status(s, entry->name, list->status_items);
        if (failed(problem) && problem.kind != ERROR_NOT_FOUND) /* deleted meanwhile: no line */
            return problem;
    }
    return user_send_some(&s->base);
}

/* RFC 3501 6.3.8: an empty pattern asks for the separator. */
static bool asks_for_separator(const struct imap_list *list)
{
    return list->pattern_count == 1 && list->patterns[0].size == 0 && !list->extended;
}

error imap_command_list(struct imap_session *s)
{
    struct imap_list list;
    struct patterns patterns;
    const struct mailbox_entry *entries;
    size_t count;
    TRY(imap_list_parse(&s->command.arguments, &s->base.arena, s->name_form, &list));
    if (asks_for_separator(&list)) {
        buffer_format(&s->base.out, "* LIST (\\Noselect) \"%c\" \"\"\r\n", STORE_SEPARATOR);
        return OK;
    }
    TRY(compile(s, &list, &patterns));
    TRY(account_list(s->account, &s->base.arena, &entries, &count));
    for (size_t i = 0; i < count; i++) {
        if (!matches(&patterns, entries[i].name))
            continue;
        bool child_info = list.select & IMAP_LIST_RECURSIVE_MATCH &&
                          has_selected_child(entries, count, i, &list, &patterns);
        if (child_info || is_selected(&entries[i], &list))
            TRY(write_entry(s, &list, &entries[i], child_info));
    }
    return OK;
}

/* Is this the first subscribed entry below a parent that is not subscribed itself? */
static bool is_due(const struct mailbox_entry *entries, size_t count, size_t child, slice parent)
{
    for (size_t i = 0; i < count; i++) {
        if (!(entries[i].attributes & MAILBOX_SUBSCRIBED))
            continue;
        if (slice_equal(entries[i].name, parent) ||
            (i < child && is_below(entries[i].name, parent)))
            return false;
    }
    return true;
}

/* RFC 3501 6.3.9: where "%" matches a parent that is not subscribed itself, it is named with
 * \Noselect for the sake of the child, once. */
static void write_parent(struct imap_session *s, const struct patterns *patterns,
                         const struct mailbox_entry *entries, size_t count, size_t child)
{
    slice name = entries[child].name;
    for (ptrdiff_t end; (end = slice_find_last_byte(name, STORE_SEPARATOR)) > 0;) {
        name.size = (size_t)end;
        if (!matches(patterns, name))
            continue;
        if (is_due(entries, count, child, name))
            imap_list_write(&(struct imap_list_line){.verb = "LSUB",
                                                     .attributes = IMAP_ATTRIBUTE_NOSELECT,
                                                     .separator = STORE_SEPARATOR,
                                                     .name = name},
                            s->name_form, &s->base.out);
        return;
    }
}

error imap_command_lsub(struct imap_session *s)
{
    struct imap_list list;
    struct patterns patterns;
    const struct mailbox_entry *entries;
    size_t count;
    TRY(imap_lsub_parse(&s->command.arguments, &s->base.arena, s->name_form, &list));
    if (asks_for_separator(&list)) {
        buffer_format(&s->base.out, "* LSUB (\\Noselect) \"%c\" \"\"\r\n", STORE_SEPARATOR);
        return OK;
    }
    TRY(compile(s, &list, &patterns));
    TRY(account_list(s->account, &s->base.arena, &entries, &count));
    for (size_t i = 0; i < count; i++) {
        if (!(entries[i].attributes & MAILBOX_SUBSCRIBED))
            continue;
        if (!matches(&patterns, entries[i].name)) {
            write_parent(s, &patterns, entries, count, i);
            continue;
        }
        imap_list_write(&(struct imap_list_line){.verb = "LSUB",
                                                 .separator = STORE_SEPARATOR,
                                                 .name = entries[i].name},
                        s->name_form, &s->base.out);
    }
    return OK;
}
