/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Mails shown to operators: pages of a list over all cores, in the order of ids, and one as it
 * would be sent.
 */
#include "format/json/write.h"
#include "runtime/core.h"
#include "runtime/message.h"
#include "transport/queue/keep.h"
#include "transport/queue/owner.h"
#include "transport/queue/selection.h"

#include <stdlib.h>

enum {
    LIST_SIZE_ENOUGH = 8 << 20,    /* bytes of all cores' mails: the page ends */
    CORE_LIST_SIZE_MAX = 24 << 20, /* of one core's, its last mail being a large one */
};

static const char *state_name(const struct queue_item *item,
                              const struct queue_mail_recipient *recipient)
{
    static const char *const outcomes[] = {
        [QUEUE_DELIVERED] = "delivered",
        [QUEUE_RELAYED] = "relayed",
        [QUEUE_FAILED] = "failed",
        [QUEUE_DELETED] = "deleted",
    };
    static const char *const states[] = {
        [QUEUE_ITEM_WAITING] = "waiting",
        [QUEUE_ITEM_OUT] = "active",
        [QUEUE_ITEM_HELD] = "held",
        [QUEUE_ITEM_DONE] = "done",
    };
    return recipient->outcome != QUEUE_OPEN ? outcomes[recipient->outcome] : states[item->state];
}

static void write_recipients(const struct queue_item *item, struct json_writer *json)
{
    const struct queue_mail *mail = item->mail;
    for (uint32_t i = item->first; i < item->first + item->count; i++) {
        const struct queue_mail_recipient *recipient = &mail->recipients[i];
        json_object_open(json);
        json_member_text(json, "address", queue_mail_text(mail, recipient->address));
        json_member_string(json, "state", state_name(item, recipient));
        json_member_number(json, "attempts", item->attempts);
        if (recipient->outcome == QUEUE_OPEN && item->state == QUEUE_ITEM_WAITING)
            json_member_number(json, "next_try", item->due);
        if (item->tried)
            json_member_number(json, "last_try", item->tried);
        if (recipient->outcome == QUEUE_OPEN && item->response)
            json_member_string(json, "answer", item->response);
        json_object_close(json);
    }
}

static void write_mail(const struct queue_mail *mail, struct buffer *out)
{
    struct json_writer json;
    char id[QUEUE_ID_TEXT_SIZE];
    queue_id_format(mail->id, id);
    json_begin(&json, out);
    json_object_open(&json);
    json_member_string(&json, "id", id);
    json_member_text(&json, "sender", queue_mail_text(mail, mail->sender));
    json_member_text(&json, "account", queue_mail_text(mail, mail->account));
    json_member_text(&json, "origin", queue_mail_text(mail, mail->origin));
    json_member_number(&json, "size", (int64_t)(mail->content->size + mail->prefix.size));
    json_member_number(&json, "arrived", mail->arrived);
    json_member_number(&json, "expires", mail->expires);
    json_member_number(&json, "priority", mail->priority);
    json_member_flag(&json, "held", mail->held);
    json_member_array_open(&json, "recipients");
    for (uint32_t i = 0; i < mail->item_count; i++)
        write_recipients(&mail->items[i], &json);
    json_array_close(&json);
    json_object_close(&json);
}

/* ---- One core's share of a page ---- */

/* In the order of ids, from the first behind the cursor on. */
struct share {
    struct buffer lines;
    struct line {
        queue_id id;
        size_t end; /* in lines */
    } * index;
    unsigned count, room;
    bool more; /* it ends before the core's mails do */
};

struct listing {
    const struct queue_selection *selection;
    unsigned count_max;
    size_t size_enough; /* of one core's lines */
    struct share *shares;
};

static error add_line(struct share *share, const struct queue_mail *mail)
{
    if (share->count == share->room) {
        unsigned room = share->room ? 2 * share->room : 64;
        struct line *grown = realloc(share->index, room * sizeof *grown);
        TRY_MEMORY(grown);
        share->index = grown;
        share->room = room;
    }
    write_mail(mail, &share->lines);
    TRY(buffer_check(&share->lines));
    share->index[share->count++] = (struct line){mail->id, share->lines.size};
    return OK;
}

/* Mails lie in the order of their ids. Whoever reads page after page is served from where the page
 * before began, so that the whole costs one walk; anybody else's cursor is looked for. */
static struct queue_mail *seek(queue_id after)
{
    struct queue_mail *at = queue_keep_find(after), *before;
    if (!at && after > 0)
        at = queue_owner.page.next;
    if (!at)
        at = queue_keep_next(NULL);
    while (at && (before = queue_keep_previous(at)) && before->id > after)
        at = before;
    return at;
}

static error list_here(void *argument)
{
    const struct listing *listing = argument;
    const struct queue_selection *selection = listing->selection;
    struct share *share = &listing->shares[core_self()];
    struct queue_walk walk;
    struct queue_mail *mail;
    error problem = OK;
    queue_walk_begin(&walk);
    walk.next = selection->id ? queue_keep_find(selection->id) : seek(selection->after);
    bool parked = selection->id != 0;
    while (!failed(problem) && (mail = queue_walk_next(&walk))) {
        if (mail->id > selection->after && !parked) {
            queue_owner.page.next = mail;
            parked = true;
        }
        if (queue_selection_matches(selection, mail)) {
            share->more = share->count == listing->count_max ||
                          (share->count > 0 && share->lines.size >= listing->size_enough);
            if (share->more)
                break;
            problem = add_line(share, mail);
        }
        if (selection->id != 0)
            break;
    }
    queue_walk_end(&walk);
    return problem;
}

/* ---- The page ---- */

/* The share with the lowest id at its place; NULL at the end, or where what comes next is not
 * known: a share that ended early would have it. */
static const struct share *choose(const struct listing *listing, const unsigned *places)
{
    const struct share *best = NULL;
    for (unsigned i = 0; i < core_count(); i++) {
        const struct share *share = &listing->shares[i];
        if (places[i] == share->count && share->more)
            return NULL;
        if (places[i] < share->count &&
            (!best || share->index[places[i]].id < best->index[places[best - listing->shares]].id))
            best = share;
    }
    return best;
}

static bool is_left(const struct listing *listing, const unsigned *places)
{
    for (unsigned i = 0; i < core_count(); i++)
        if (places[i] < listing->shares[i].count || listing->shares[i].more)
            return true;
    return false;
}

static error join(const struct listing *listing, struct buffer *out)
{
    unsigned *places = calloc(core_count(), sizeof *places);
    TRY_MEMORY(places);
    const struct share *share;
    char last[QUEUE_ID_TEXT_SIZE] = "";
    unsigned count = 0;
    buffer_add_string(out, "{\"mails\":[");
    while (count < listing->count_max && (share = choose(listing, places))) {
        unsigned place = places[share - listing->shares]++;
        size_t begin = place ? share->index[place - 1].end : 0;
        queue_id_format(share->index[place].id, last);
        buffer_add_string(out, count++ ? ",\n" : "\n");
        buffer_add(out,
                   slice_sub(buffer_slice(&share->lines), begin, share->index[place].end - begin));
    }
    if (count > 0 && is_left(listing, places))
        buffer_format(out, "],\n\"next\":\"%s\"}\n", last);
    else
        buffer_add_string(out, "],\n\"next\":null}\n");
    free(places);
    return buffer_check(out);
}

error queue_list(const struct queue_selection *selection, struct buffer *out)
{
    struct listing listing = {
        .selection = selection,
        .count_max = selection->count_max && selection->count_max < QUEUE_LIST_COUNT_MAX
                         ? selection->count_max
                         : QUEUE_LIST_COUNT_MAX,
        .size_enough = LIST_SIZE_ENOUGH / core_count(),
        .shares = calloc(core_count(), sizeof *listing.shares),
    };
    TRY_MEMORY(listing.shares);
    for (unsigned i = 0; i < core_count(); i++)
        buffer_init(&listing.shares[i].lines, CORE_LIST_SIZE_MAX);
    error problem = core_broadcast(list_here, &listing);
    if (!failed(problem))
        problem = join(&listing, out);
    for (unsigned i = 0; i < core_count(); i++) {
        buffer_close(&listing.shares[i].lines);
        free(listing.shares[i].index);
    }
    free(listing.shares);
    return problem;
}

/* ---- One mail as it would be sent ---- */

struct showing {
    queue_id id;
    size_t size;       /* found by the first visit */
    struct body *body; /* of the asker's core, with room; filled by the second */
};

static error measure_here(void *argument)
{
    struct showing *showing = argument;
    const struct queue_mail *mail = queue_keep_find(showing->id);
    if (mail)
        showing->size = mail->prefix.size + mail->content->size;
    return OK;
}

/* The owner core copies into memory that the asker holds for it, and waits. */
static error copy_here(void *argument)
{
    struct showing *showing = argument;
    struct queue_mail *mail = queue_keep_find(showing->id);
    struct body scratch;
    slice text, prefix;
    if (!mail)
        return OK;
    struct queue_content *content = mail->content;
    mail->items_left++;
    content->out++;
    body_init(&scratch, content->size + content->prefix_size);
    error problem = queue_content_open(content, &scratch, &text);
    if (!failed(problem)) {
        prefix = queue_mail_prefix(mail, &scratch);
        if (showing->body->capacity >= prefix.size + text.size) {
            memcpy(showing->body->data, prefix.data ? prefix.data : "", prefix.size);
            memcpy(showing->body->data + prefix.size, text.data, text.size);
            showing->body->size = prefix.size + text.size;
        }
        queue_content_release(content, &scratch);
    }
    content->out--;
    queue_mail_leave(mail);
    return problem;
}

error queue_show(queue_id id, struct body *out_body)
{
    struct showing showing = {.id = id, .body = out_body};
    for (unsigned core = 0; core < core_count() && showing.size == 0; core++) {
        TRY(core_call(core, measure_here, &showing));
        if (showing.size == 0)
            continue;
        TRY(body_reserve(out_body, showing.size));
        TRY(core_call(core, copy_here, &showing));
    }
    return out_body->size > 0 ? OK : error_make(ERROR_NOT_FOUND, "there is no such mail");
}
