/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/imap/store.h"

#include "service/imap/command/command.h"
#include "service/imap/reply.h"

static const enum flag_mode MODES[] = {
    [IMAP_STORE_REPLACE] = FLAGS_REPLACE,
    [IMAP_STORE_ADD] = FLAGS_ADD,
    [IMAP_STORE_REMOVE] = FLAGS_REMOVE,
};

static void write_result(struct imap_session *s, uint32_t index)
{
    const struct mail *mail = mailbox_find(s->view.mailbox, s->view.uids[index]);
    if (!mail)
        return;
    buffer_format(&s->base.out, "* %u FETCH (", index + 1);
    if (s->command.uid) /* RFC 3501 6.4.8 */
        buffer_format(&s->base.out, "UID %u ", mail->uid);
    imap_view_write_message_flags(s, mail);
    buffer_add(&s->base.out, SLICE(")\r\n"));
}

/* RFC 3501 6.4.6. Messages that are gone are passed over: the expunge is told when it may be. */
error imap_command_store(struct imap_session *s)
{
    struct imap_store store;
    uint32_t *indexes, count;
    TRY(imap_store_parse(&s->command.arguments, &s->base.arena, &store));
    TRY(imap_view_select(s, &store.set, s->command.uid, &indexes, &count));
    TRY(imap_command_check_writable(s));
    struct flag_change change = {.mode = MODES[store.mode], .unchanged_since = UINT64_MAX};
    /* A keyword that nobody has need not be made to be removed. */
    TRY(imap_command_store_flags(s, &store.flags, store.mode != IMAP_STORE_REMOVE, &change));
    if (mailbox_keyword_count(s->view.mailbox) > s->view.keywords_told)
        imap_view_write_flags(s, true);
    imap_view_gather(&s->view);
    for (uint32_t i = 0; i < count; i++) {
        error problem = mailbox_flags(s->view.mailbox, s->view.uids[indexes[i]], &change);
        imap_view_gather_own(&s->view); /* at once: the store remembers only so many changes */
        if (failed(problem) && problem.kind != ERROR_NOT_FOUND)
            return problem;
    }
    if (imap_view_is_behind(&s->view))
        s->response.code = IMAP_CODE_EXPUNGEISSUED;
    for (uint32_t i = 0; i < count && !store.silent; i++) {
        write_result(s, indexes[i]);
        TRY(user_send_some(&s->base));
    }
    return OK;
}
