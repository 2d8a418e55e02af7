/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/json/write.h"
#include "runtime/core.h"
#include "runtime/message.h"
#include "transport/queue/keep.h"
#include "transport/queue/owner.h"
#include "transport/queue/selection.h"

#include <stdlib.h>

enum {
    CORE_LIST_SIZE_MAX = 16 << 20, /* bytes of one core's mails; beyond, the list ends */
    CORE_LIST_SIZE_ENOUGH = 12 << 20,
};

struct listing {
    const struct queue_selection *selection;
    struct buffer *parts; /* one a core: a mail a line */
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
    buffer_add_byte(out, '\n');
}

static error list_here(void *argument)
{
    const struct listing *listing = argument;
    const struct queue_selection *selection = listing->selection;
    struct buffer *out = &listing->parts[core_self()];
    struct queue_walk walk;
    struct queue_mail *mail;
    unsigned count = 0;
    queue_walk_begin(&walk);
    if (selection->id != 0)
        walk.next = queue_keep_find(selection->id);
    while ((selection->count_max == 0 || count < selection->count_max) &&
           out->size < CORE_LIST_SIZE_ENOUGH && (mail = queue_walk_next(&walk))) {
        if (queue_selection_matches(selection, mail)) {
            write_mail(mail, out);
            count++;
        }
        if (selection->id != 0)
            break;
    }
    queue_walk_end(&walk);
    return OK;
}

static void join_parts(const struct listing *listing, struct buffer *out)
{
    unsigned count = 0, most = listing->selection->count_max;
    buffer_add_byte(out, '[');
    for (unsigned i = 0; i < core_count(); i++) {
        slice rest = buffer_slice(&listing->parts[i]), line;
        while (rest.size > 0 && (most == 0 || count < most)) {
            slice_cut(rest, '\n', &line, &rest);
            buffer_add_string(out, count++ ? ",\n" : "\n");
            buffer_add(out, line);
        }
    }
    buffer_add_string(out, "]\n");
}

error queue_list(const struct queue_selection *selection, struct buffer *out)
{
    struct buffer *parts = calloc(core_count(), sizeof *parts);
    TRY_MEMORY(parts);
    for (unsigned i = 0; i < core_count(); i++)
        buffer_init(&parts[i], CORE_LIST_SIZE_MAX);
    struct listing listing = {selection, parts};
    error problem = core_broadcast(list_here, &listing);
    if (!failed(problem))
        join_parts(&listing, out);
    for (unsigned i = 0; i < core_count(); i++)
        buffer_close(&parts[i]);
    free(parts);
    TRY(problem);
    return buffer_check(out);
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
