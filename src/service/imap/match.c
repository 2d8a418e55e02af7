/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/imap/match.h"

#include "format/imap/date.h"
#include "format/mail/date.h"
#include "format/mail/encoded.h"
#include "format/mail/header.h"
#include "format/text/fold.h"
#include "runtime/fiber.h"
#include "service/imap/command/command.h"
#include "service/imap/message.h"

enum cost { COST_INDEX, COST_HEADER, COST_BODY, COSTS };

struct matcher {
    struct imap_session *s;
    uint32_t index;
    struct imap_message message;
};

static enum cost cost_of(const struct imap_search_node *node)
{
    enum cost cost = COST_INDEX;
    switch (node->kind) {
    case IMAP_SEARCH_SENT_BEFORE:
    case IMAP_SEARCH_SENT_ON:
    case IMAP_SEARCH_SENT_SINCE:
    case IMAP_SEARCH_HEADER:
        return COST_HEADER;
    case IMAP_SEARCH_BODY:
    case IMAP_SEARCH_TEXT:
        return COST_BODY;
    default:
        for (const struct imap_search_node *child = node->children; child; child = child->next)
            if (cost_of(child) > cost)
                cost = cost_of(child);
        return cost;
    }
}

/* Stable: keys of one cost stay in the order they were given. */
static void sort_children(struct imap_search_node *node)
{
    struct imap_search_node *heads[COSTS] = {NULL}, **tails[COSTS];
    for (int i = 0; i < COSTS; i++)
        tails[i] = &heads[i];
    for (struct imap_search_node *child = node->children; child; child = child->next) {
        enum cost cost = cost_of(child);
        *tails[cost] = child;
        tails[cost] = &child->next;
    }
    struct imap_search_node **end = &node->children;
    for (int i = 0; i < COSTS; i++) {
        *tails[i] = NULL;
        *end = heads[i];
        if (heads[i])
            end = tails[i];
    }
}

error imap_match_prepare(struct imap_session *s, struct imap_search_node *root)
{
    const struct imap_view *view = &s->view;
    if (root->kind == IMAP_SEARCH_SEQUENCE)
        imap_set_resolve(&root->set, view->count);
    if (root->kind == IMAP_SEARCH_UID)
        imap_set_resolve(&root->set, view->count ? view->uids[view->count - 1] : 0);
    if (root->text.size && root->kind != IMAP_SEARCH_KEYWORD)
        TRY(text_fold(&s->base.arena, root->text, &root->text));
    for (struct imap_search_node *child = root->children; child; child = child->next)
        TRY(imap_match_prepare(s, child));
    sort_children(root);
    return OK;
}

/* The needle is folded. Where the text cannot be (its size), ASCII case alone must do. */
static bool contains(struct arena *scratch, slice text, slice needle)
{
    slice folded;
    if (needle.size == 0)
        return true;
    if (!failed(text_fold(scratch, text, &folded)))
        return slice_find(folded, needle) >= 0;
    return slice_find_nocase(text, needle) >= 0;
}

static error field_contains(struct arena *scratch, slice value, slice needle, bool *out)
{
    slice text;
    TRY(mail_encoded_decode(scratch, value, &text));
    *out = contains(scratch, text, needle);
    return OK;
}

/* In the named field, or in any (name included) where `name` is empty. */
static error match_fields(struct arena *scratch, slice header, slice name, slice needle, bool *out)
{
    struct mail_header_iterator iterator;
    struct mail_header_field field;
    *out = false;
    mail_header_begin(&iterator, header);
    while (!*out && mail_header_next(&iterator, &field)) {
        if (name.size && !slice_equal_nocase(field.name, name))
            continue;
        slice value = name.size ? field.value : slice_sub(header, field.offset, field.size);
        TRY(field_contains(scratch, value, needle, out));
    }
    return OK;
}

static error match_header(struct matcher *m, slice name, slice needle, bool *out)
{
    slice header;
    TRY(imap_message_header(&m->message, &header));
    return match_fields(m->message.scratch, header, name, needle, out);
}

/* Text parts, decoded, and headers of messages inside. */
static error match_part(struct matcher *m, const struct mime_part *part, slice needle, bool *out)
{
    slice text, message = m->message.text;
    struct arena *scratch = m->message.scratch;
    if (part->parent && part->parent->kind == MIME_KIND_MESSAGE)
        TRY(match_fields(scratch, mime_part_header(message, part), SLICE_EMPTY, needle, out));
    if (*out || part->kind != MIME_KIND_LEAF || !slice_equal_nocase(part->type, SLICE("text")))
        return OK;
    if (failed(mime_part_text(scratch, message, part, &text)))
        text = mime_part_body(message, part); /* as it lies there */
    *out = contains(scratch, text, needle);
    return OK;
}

static error match_body(struct matcher *m, slice needle, bool *out)
{
    const struct mime_message *mime;
    TRY(imap_message_mime(&m->message, &mime));
    *out = needle.size == 0;
    for (struct mime_part *part = mime->root; part && !*out; part = mime_part_walk(part))
        TRY(match_part(m, part, needle, out));
    return OK;
}

static error match_text(struct matcher *m, slice needle, bool *out)
{
    TRY(match_header(m, SLICE_EMPTY, needle, out));
    return *out ? OK : match_body(m, needle, out);
}

/* RFC 3501 6.4.4: the Date: field, whatever its time and zone. No date: no match. */
static error match_sent(struct matcher *m, const struct imap_search_node *node, bool *out)
{
    slice header, value;
    struct mail_date date;
    TRY(imap_message_header(&m->message, &header));
    *out = false;
    if (!mail_header_find(header, SLICE("Date"), &value) || failed(mail_date_parse(value, &date)))
        return OK;
    int64_t day = imap_day_of(date.seconds + date.zone_minutes * 60),
            wanted = (int64_t)node->number;
    *out = node->kind == IMAP_SEARCH_SENT_BEFORE ? day < wanted
           : node->kind == IMAP_SEARCH_SENT_ON   ? day == wanted
                                                 : day >= wanted;
    return OK;
}

static bool has_flag(const struct imap_view *view, const struct mail *mail, uint32_t flag)
{
    if (flag == IMAP_FLAG_RECENT)
        return imap_view_is_recent(view, mail->uid);
    return mail->flags & imap_command_stored_flags(flag);
}

static bool has_keyword(const struct imap_view *view, const struct mail *mail, slice name)
{
    unsigned bit;
    return !failed(mailbox_keyword(view->mailbox, name, false, &bit)) && mail->keywords >> bit & 1;
}

static error match_size(struct matcher *m, const struct imap_search_node *node, bool *out)
{
    uint64_t size;
    TRY(mailbox_virtual_size(m->s->view.mailbox, m->message.uid, &size));
    *out = node->kind == IMAP_SEARCH_LARGER ? size > node->number : size < node->number;
    return OK;
}

/* Keys that the index answers. */
static error match_index(struct matcher *m, const struct imap_search_node *node, bool *out)
{
    const struct imap_view *view = &m->s->view;
    const struct mail *mail = mailbox_find(view->mailbox, m->message.uid);
    if (!mail)
        return error_make(ERROR_NOT_FOUND, "the message is gone");
    int64_t day = imap_day_of(mail->internal_date), number = (int64_t)node->number;
    switch (node->kind) {
    case IMAP_SEARCH_SEQUENCE:
        *out = imap_set_has(&node->set, m->index + 1);
        return OK;
    case IMAP_SEARCH_UID:
        *out = imap_set_has(&node->set, mail->uid);
        return OK;
    case IMAP_SEARCH_FLAG:
        *out = has_flag(view, mail, node->flag) == node->wanted;
        return OK;
    case IMAP_SEARCH_KEYWORD:
        *out = has_keyword(view, mail, node->text) == node->wanted;
        return OK;
    case IMAP_SEARCH_BEFORE:
        *out = day < number;
        return OK;
    case IMAP_SEARCH_ON:
        *out = day == number;
        return OK;
    case IMAP_SEARCH_SINCE:
        *out = day >= number;
        return OK;
    case IMAP_SEARCH_OLDER: /* RFC 5032 */
        *out = mail->internal_date <= time_wall_seconds() - number;
        return OK;
    case IMAP_SEARCH_YOUNGER:
        *out = mail->internal_date >= time_wall_seconds() - number;
        return OK;
    default:
        return error_make(ERROR_BUG, "unknown search key");
    }
}

static error match(struct matcher *m, const struct imap_search_node *node, bool *out);

static error match_all(struct matcher *m, const struct imap_search_node *node, bool *out)
{
    *out = true;
    for (const struct imap_search_node *child = node->children; child && *out; child = child->next)
        TRY(match(m, child, out));
    return OK;
}

static error match_any(struct matcher *m, const struct imap_search_node *node, bool *out)
{
    *out = false;
    for (const struct imap_search_node *child = node->children; child && !*out; child = child->next)
        TRY(match(m, child, out));
    return OK;
}

static error match(struct matcher *m, const struct imap_search_node *node, bool *out)
{
    switch (node->kind) {
    case IMAP_SEARCH_AND:
        return match_all(m, node, out);
    case IMAP_SEARCH_OR:
        return match_any(m, node, out);
    case IMAP_SEARCH_NOT:
        TRY(match(m, node->children, out));
        *out = !*out;
        return OK;
    case IMAP_SEARCH_LARGER:
    case IMAP_SEARCH_SMALLER:
        return match_size(m, node, out);
    case IMAP_SEARCH_SENT_BEFORE:
    case IMAP_SEARCH_SENT_ON:
    case IMAP_SEARCH_SENT_SINCE:
        return match_sent(m, node, out);
    case IMAP_SEARCH_HEADER:
        return match_header(m, node->field, node->text, out);
    case IMAP_SEARCH_BODY:
        return match_body(m, node->text, out);
    case IMAP_SEARCH_TEXT:
        return match_text(m, node->text, out);
    default:
        return match_index(m, node, out);
    }
}

error imap_match(struct imap_session *s, const struct imap_search_node *root, uint32_t index,
                 struct arena *scratch, bool *out_matches)
{
    struct matcher m = {.s = s, .index = index};
    imap_message_init(&m.message, s->view.mailbox, s->view.uids[index], scratch);
    bool read, matches = false;
    error problem = mailbox_find(s->view.mailbox, m.message.uid)
                        ? match(&m, root, &matches)
                        : error_make(ERROR_NOT_FOUND, "the message is gone");
    read = m.message.opened;
    imap_message_close(&m.message);
    /* Gone meanwhile, or too complex to parse: neither may end the search for the others. */
    if (problem.kind == ERROR_NOT_FOUND || problem.kind == ERROR_LIMIT) {
        problem = OK;
        matches = false;
    }
    *out_matches = matches;
    /* Reading and folding a message takes long enough to let others run. */
    return !failed(problem) && read ? fiber_yield() : problem;
}
