/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/imap/view.h"

#include "service/imap/reply.h"
#include "service/imap/session.h"

#include <stdlib.h>

static void notify(struct mailbox_watch *watch)
{
    struct imap_view *view = CONTAINER_OF(watch, struct imap_view, watch);
    struct imap_session *s = CONTAINER_OF(view, struct imap_session, view);
    if (view->idling)
        stream_interrupt(s->base.stream);
}

/* Appends the UIDs that came since. */
static error take_new(struct imap_view *view)
{
    uint32_t last = view->count ? view->uids[view->count - 1] : 0;
    for (;;) {
        if (view->count == view->capacity) {
            uint32_t messages = mailbox_status(view->mailbox).messages;
            uint32_t capacity = view->capacity + view->capacity / 8 + 16;
            capacity = capacity < messages + 16 ? messages + 16 : capacity;
            uint32_t *uids = realloc(view->uids, capacity * sizeof *uids);
            TRY_MEMORY(uids);
            view->uids = uids;
            view->capacity = capacity;
        }
        size_t got = last == UINT32_MAX
                         ? 0
                         : mailbox_uids(view->mailbox, last + 1, view->uids + view->count,
                                        view->capacity - view->count);
        if (got == 0)
            return OK;
        view->count += (uint32_t)got;
        last = view->uids[view->count - 1];
    }
}

/* Messages that came since are recent here, where no session was told before (RFC 3501 2.3.2). */
static void claim_recent(struct imap_view *view)
{
    uint32_t from, to;
    mailbox_recent(view->mailbox, !view->read_only, &from, &to);
    if (from >= to)
        return;
    struct imap_range *last = view->recent_count ? &view->recent[view->recent_count - 1] : NULL;
    if (last && from <= last->last + 1 && to > last->last) {
        last->last = to - 1;
        return;
    }
    if (last && to <= last->last + 1)
        return;
    if (view->recent_count == IMAP_VIEW_RECENT_MAX) {
        memmove(view->recent, view->recent + 1, sizeof view->recent - sizeof *view->recent);
        view->recent_count--;
    }
    view->recent[view->recent_count++] = (struct imap_range){from, to - 1};
}

error imap_view_open(struct imap_session *s, struct mailbox *mailbox, bool read_only)
{
    struct imap_view *view = &s->view;
    *view = (struct imap_view){.mailbox = mailbox, .read_only = read_only};
    mailbox_watch(mailbox, notify, &view->watch);
    view->modseq_told = mailbox_status(mailbox).modseq_highest;
    error problem = take_new(view);
    if (failed(problem)) {
        imap_view_close(view);
        return problem;
    }
    claim_recent(view);
    return OK;
}

void imap_view_close(struct imap_view *view)
{
    if (!view->mailbox)
        return;
    mailbox_unwatch(&view->watch);
    mailbox_close(&view->mailbox);
    free(view->uids);
    free(view->expunged.uids);
    free(view->changed.uids);
    *view = (struct imap_view){0};
}

uint32_t imap_view_find(const struct imap_view *view, uint32_t uid)
{
    uint32_t low = 0, high = view->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (view->uids[middle] < uid)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

uint32_t imap_view_number(const struct imap_view *view, uint32_t uid)
{
    uint32_t index = imap_view_find(view, uid);
    return index < view->count && view->uids[index] == uid ? index + 1 : 0;
}

bool imap_view_is_recent(const struct imap_view *view, uint32_t uid)
{
    for (uint32_t i = 0; i < view->recent_count; i++)
        if (uid >= view->recent[i].first && uid <= view->recent[i].last)
            return true;
    return false;
}

uint32_t imap_view_recent_total(const struct imap_view *view)
{
    uint32_t total = 0;
    for (uint32_t i = 0; i < view->recent_count; i++) {
        uint32_t last = view->recent[i].last;
        uint32_t end = last == UINT32_MAX ? view->count : imap_view_find(view, last + 1);
        total += end - imap_view_find(view, view->recent[i].first);
    }
    return total;
}

static void add_pending(struct imap_view_pending *pending, uint32_t uid)
{
    if (pending->overflow)
        return;
    for (uint32_t i = 0; i < pending->count; i++)
        if (pending->uids[i] == uid)
            return;
    if (!pending->uids)
        pending->uids = malloc(IMAP_VIEW_PENDING_MAX * sizeof *pending->uids);
    if (!pending->uids || pending->count == IMAP_VIEW_PENDING_MAX) {
        pending->overflow = true;
        return;
    }
    pending->uids[pending->count++] = uid;
}

static void clear_pending(struct imap_view_pending *pending)
{
    free(pending->uids);
    *pending = (struct imap_view_pending){0};
}

static bool has_pending(const struct imap_view_pending *pending)
{
    return pending->count || pending->overflow;
}

static void gather(struct imap_view *view, bool own_flags)
{
    struct mailbox_change change;
    bool lost = false;
    while (mailbox_changes_next(&view->watch, &change, &lost)) {
        if (change.kind == MAILBOX_CHANGE_FLAGS && !own_flags)
            add_pending(&view->changed, change.uid);
        if (change.kind == MAILBOX_CHANGE_EXPUNGE && imap_view_number(view, change.uid))
            add_pending(&view->expunged, change.uid);
    }
    if (lost)
        view->changed.overflow = view->expunged.overflow = true;
}

void imap_view_gather(struct imap_view *view)
{
    gather(view, false);
}

void imap_view_gather_own(struct imap_view *view)
{
    gather(view, true);
}

bool imap_view_is_behind(const struct imap_view *view)
{
    return has_pending(&view->expunged);
}

static int descending(const void *left, const void *right)
{
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    return a < b ? 1 : a > b ? -1 : 0;
}

static void write_expunge(struct imap_session *s, uint32_t number)
{
    buffer_add(&s->base.out, SLICE("* "));
    buffer_add_u64(&s->base.out, number);
    buffer_add(&s->base.out, SLICE(" EXPUNGE\r\n"));
}

/* From the highest number down, so that each stays right when those before it are gone. */
static void tell_listed_expunges(struct imap_session *s)
{
    struct imap_view *view = &s->view;
    struct imap_view_pending *gone = &view->expunged;
    qsort(gone->uids, gone->count, sizeof *gone->uids, descending);
    for (uint32_t i = 0; i < gone->count; i++) {
        uint32_t number = imap_view_number(view, gone->uids[i]);
        if (number == 0)
            continue;
        write_expunge(s, number);
        memmove(view->uids + number - 1, view->uids + number,
                (view->count - number) * sizeof *view->uids);
        view->count--;
    }
}

static void tell_all_expunges(struct imap_session *s)
{
    struct imap_view *view = &s->view;
    uint32_t kept = view->count;
    for (uint32_t i = view->count; i > 0; i--) {
        if (mailbox_find(view->mailbox, view->uids[i - 1]))
            view->uids[--kept] = view->uids[i - 1];
        else
            write_expunge(s, i);
    }
    view->count -= kept;
    memmove(view->uids, view->uids + kept, view->count * sizeof *view->uids);
}

static void tell_expunges(struct imap_session *s)
{
    if (s->view.expunged.overflow)
        tell_all_expunges(s);
    else
        tell_listed_expunges(s);
    clear_pending(&s->view.expunged);
}

static error tell_new(struct imap_session *s)
{
    struct imap_view *view = &s->view;
    uint32_t before = view->count;
    TRY(take_new(view));
    if (view->count == before)
        return OK;
    claim_recent(view);
    buffer_format(&s->base.out, "* %u EXISTS\r\n* %u RECENT\r\n", view->count,
                  imap_view_recent_total(view));
    return OK;
}

void imap_view_write_message_flags(struct imap_session *s, const struct mail *mail)
{
    static const struct {
        uint8_t stored;
        uint32_t shown;
    } SAME[] = {
        {MAIL_ANSWERED, IMAP_FLAG_ANSWERED}, {MAIL_FLAGGED, IMAP_FLAG_FLAGGED},
        {MAIL_DELETED, IMAP_FLAG_DELETED},   {MAIL_SEEN, IMAP_FLAG_SEEN},
        {MAIL_DRAFT, IMAP_FLAG_DRAFT},
    };
    uint32_t shown = imap_view_is_recent(&s->view, mail->uid) ? IMAP_FLAG_RECENT : 0;
    for (size_t i = 0; i < sizeof SAME / sizeof *SAME; i++)
        if (mail->flags & SAME[i].stored)
            shown |= SAME[i].shown;
    slice names[64];
    size_t count = 0;
    for (uint64_t bits = mail->keywords; bits; bits &= bits - 1) {
        slice name = mailbox_keyword_name(s->view.mailbox, (unsigned)__builtin_ctzll(bits));
        if (name.size)
            names[count++] = name;
    }
    buffer_add(&s->base.out, SLICE("FLAGS "));
    imap_flags_write(shown, names, count, &s->base.out);
}

void imap_view_write_flags(struct imap_session *s, bool permanent)
{
    struct imap_view *view = &s->view;
    slice names[STORE_KEYWORDS_MAX + 1];
    unsigned count = mailbox_keyword_count(view->mailbox), kept = 0;
    for (unsigned bit = 0; bit < count && bit < STORE_KEYWORDS_MAX; bit++) {
        slice name = mailbox_keyword_name(view->mailbox, bit);
        if (name.size)
            names[kept++] = name;
    }
    uint32_t all = IMAP_FLAG_SEEN | IMAP_FLAG_ANSWERED | IMAP_FLAG_FLAGGED | IMAP_FLAG_DELETED |
                   IMAP_FLAG_DRAFT;
    buffer_add(&s->base.out, SLICE("* FLAGS "));
    imap_flags_write(all, names, kept, &s->base.out);
    buffer_add(&s->base.out, SLICE("\r\n"));
    view->keywords_told = count;
    if (!permanent)
        return;
    buffer_add(&s->base.out, SLICE("* OK [PERMANENTFLAGS "));
    if (count < STORE_KEYWORDS_MAX)
        names[kept++] = SLICE("\\*"); /* RFC 3501 7.1: new keywords can be made */
    imap_flags_write(view->read_only ? 0 : all, names, view->read_only ? 0 : kept, &s->base.out);
    buffer_add(&s->base.out, SLICE("] these are kept\r\n"));
}

static error tell_flags_of(struct imap_session *s, uint32_t index)
{
    const struct mail *mail = mailbox_find(s->view.mailbox, s->view.uids[index]);
    if (!mail)
        return OK;
    buffer_format(&s->base.out, "* %u FETCH (UID %u ", index + 1, mail->uid);
    imap_view_write_message_flags(s, mail);
    buffer_add(&s->base.out, SLICE(")\r\n"));
    return user_send_some(&s->base);
}

/* Of messages below `count`: the client has yet to ask for the flags of new ones. */
static error tell_changed(struct imap_session *s, uint32_t count)
{
    struct imap_view *view = &s->view;
    struct imap_view_pending changed = view->changed;
    uint64_t told = view->modseq_told;
    view->changed = (struct imap_view_pending){0};
    view->modseq_told = mailbox_status(view->mailbox).modseq_highest;
    error problem = OK;
    for (uint32_t i = 0; changed.overflow && i < count && !failed(problem); i++) {
        const struct mail *mail = mailbox_find(view->mailbox, view->uids[i]);
        if (mail && mail->modseq > told)
            problem = tell_flags_of(s, i);
    }
    for (uint32_t i = 0; !changed.overflow && i < changed.count && !failed(problem); i++) {
        uint32_t number = imap_view_number(view, changed.uids[i]);
        if (number > 0 && number <= count)
            problem = tell_flags_of(s, number - 1);
    }
    clear_pending(&changed);
    return problem;
}

error imap_view_tell(struct imap_session *s, bool expunges)
{
    struct imap_view *view = &s->view;
    if (mailbox_is_gone(view->mailbox)) {
        imap_say(s, SLICE_EMPTY,
                 (struct imap_response){.kind = IMAP_BYE,
                                        .text = SLICE("the selected mailbox was deleted")});
        s->base.finished = true;
        return OK;
    }
    imap_view_gather(view);
    if (expunges && has_pending(&view->expunged))
        tell_expunges(s);
    if (mailbox_keyword_count(view->mailbox) > view->keywords_told)
        imap_view_write_flags(s, true); /* before a message that has it is seen */
    uint32_t known = view->count;
    TRY(tell_new(s));
    if (has_pending(&view->changed))
        return tell_changed(s, known);
    view->modseq_told = mailbox_status(view->mailbox).modseq_highest;
    return OK;
}

/* Message numbers: every one named must be there. */
static error check_numbers(const struct imap_view *view, const struct imap_set *set)
{
    if (set->count && (set->ranges[0].first == 0 || imap_set_max(set) > view->count))
        return error_make(ERROR_MALFORMED, "no message has that number");
    return OK;
}

error imap_view_select(struct imap_session *s, struct imap_set *set, bool uid,
                       uint32_t **out_indexes, uint32_t *out_count)
{
    const struct imap_view *view = &s->view;
    uint32_t last = uid ? (view->count ? view->uids[view->count - 1] : 0) : view->count;
    bool empty = set->count == 0;
    imap_set_resolve(set, last);
    if (!uid && !empty && set->count == 0)
        return error_make(ERROR_MALFORMED, "no message has that number");
    if (!uid)
        TRY(check_numbers(view, set));
    uint32_t total = 0;
    for (int pass = 0; pass < 2; pass++) {
        uint32_t at = 0;
        for (uint32_t i = 0; i < set->count; i++) {
            struct imap_range range = set->ranges[i];
            uint32_t from = uid ? imap_view_find(view, range.first) : range.first - 1;
            uint32_t to = uid && range.last < UINT32_MAX ? imap_view_find(view, range.last + 1)
                          : uid                          ? view->count
                                                         : range.last;
            for (uint32_t index = from; pass == 1 && index < to; index++)
                (*out_indexes)[at++] = index;
            total += pass == 0 ? to - from : 0;
        }
        if (pass == 0) {
            *out_indexes = ARENA_ARRAY(&s->base.arena, uint32_t, total ? total : 1);
            TRY_MEMORY(*out_indexes);
        }
    }
    *out_count = total;
    return OK;
}
