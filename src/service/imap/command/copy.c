/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/imap/token.h"
#include "service/imap/command/command.h"
#include "service/imap/lesson.h"
#include "service/imap/reply.h"

struct copy {
    struct mailbox *target;
    uint32_t *uids; /* in the source */
    uint32_t *copies;
    uint32_t count;
};

/* "validity source-uids target-uids" (RFC 4315 3), of those that were still there. */
static error copied_argument(struct imap_session *s, const struct copy *copy, uint32_t validity,
                             slice *out_argument)
{
    struct imap_set from = {0}, to = {0};
    struct buffer text;
    for (uint32_t i = 0; i < copy->count; i++) {
        if (copy->copies[i] == 0)
            continue;
        TRY(imap_set_add(&from, &s->base.arena, copy->uids[i]));
        TRY(imap_set_add(&to, &s->base.arena, copy->copies[i]));
    }
    *out_argument = SLICE_EMPTY;
    if (from.count == 0)
        return OK;
    buffer_init(&text, IMAP_RESPONSE_SIZE_MAX);
    buffer_format(&text, "%u ", validity);
    imap_set_write(&from, &text);
    buffer_add_byte(&text, ' ');
    imap_set_write(&to, &text);
    error problem = arena_copy(&s->base.arena, buffer_slice(&text), out_argument);
    buffer_close(&text);
    return problem;
}

/* The copies are made: nothing that fails from here on may say otherwise. */
static void report(struct imap_session *s, const struct copy *copy)
{
    slice argument;
    uint32_t validity = mailbox_status(copy->target).uid_validity;
    if (failed(copied_argument(s, copy, validity, &argument)) || argument.size == 0)
        return;
    if (s->command.verb == IMAP_COPY) {
        s->response.code = IMAP_CODE_COPYUID;
        s->response.argument = argument;
    } else /* RFC 6851 4.3: untagged, before the expunges */
        imap_say(s, SLICE_EMPTY,
                 (struct imap_response){.kind = IMAP_OK,
                                        .code = IMAP_CODE_COPYUID,
                                        .argument = argument,
                                        .text = SLICE("moved")});
}

static error copy_to(struct imap_session *s, slice name, struct copy *copy)
{
    bool move = s->command.verb == IMAP_MOVE;
    error problem = mailbox_open(s->account, name, &copy->target);
    if (problem.kind == ERROR_NOT_FOUND) /* RFC 3501 6.4.7 */
        return imap_refuse(s, IMAP_CODE_TRYCREATE, problem);
    TRY(problem);
    enum imap_lesson lesson =
        imap_lesson_of(mailbox_name(s->view.mailbox), mailbox_name(copy->target));
    problem =
        mailbox_copy(s->view.mailbox, copy->uids, copy->count, copy->target, move, copy->copies);
    if (problem.kind == ERROR_LIMIT)
        problem = imap_refuse(s, IMAP_CODE_OVERQUOTA, problem);
    if (!failed(problem)) {
        report(s, copy);
        imap_lesson_copied(lesson, copy->target, copy->copies, copy->count, move);
    }
    mailbox_close(&copy->target);
    return problem;
}

/* RFC 3501 6.4.7 COPY, RFC 6851 MOVE */
error imap_command_copy(struct imap_session *s)
{
    struct cursor *c = &s->command.arguments;
    struct imap_set set;
    struct copy copy = {0};
    uint32_t *indexes;
    slice name;
    TRY(imap_take_space(c));
    TRY(imap_set_parse(c, &s->base.arena, &set));
    TRY(imap_command_take_mailbox(s, &name));
    if (s->command.verb == IMAP_MOVE)
        TRY(imap_command_check_writable(s));
    TRY(imap_view_select(s, &set, s->command.uid, &indexes, &copy.count));
    TRY(imap_command_uids(s, indexes, copy.count, &copy.uids));
    copy.copies = ARENA_ARRAY(&s->base.arena, uint32_t, copy.count ? copy.count : 1);
    TRY_MEMORY(copy.copies);
    return copy.count ? copy_to(s, name, &copy) : OK;
}
