/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/imap/token.h"
#include "service/imap/command/command.h"

error imap_command_expunge_deleted(struct imap_session *s, const struct imap_set *uids)
{
    const struct imap_view *view = &s->view;
    uint32_t *doomed = ARENA_ARRAY(&s->base.arena, uint32_t, view->count ? view->count : 1);
    size_t count = 0, removed = 0;
    TRY_MEMORY(doomed);
    for (uint32_t i = 0; i < view->count; i++) {
        const struct mail *mail = mailbox_find(view->mailbox, view->uids[i]);
        if (mail && mail->flags & MAIL_DELETED && (!uids || imap_set_has(uids, mail->uid)))
            doomed[count++] = mail->uid;
    }
    if (count == 0)
        return OK;
    error problem = mailbox_expunge(view->mailbox, doomed, count, &removed);
    if (!failed(problem))
        s->counts.expunged += (uint32_t)removed;
    return problem;
}

/* RFC 3501 6.4.3; RFC 4315 2.1 UID EXPUNGE. The view tells what is gone. */
error imap_command_expunge(struct imap_session *s)
{
    struct cursor *c = &s->command.arguments;
    struct imap_set set;
    if (s->command.uid) {
        TRY(imap_take_space(c));
        TRY(imap_set_parse(c, &s->base.arena, &set));
        imap_set_resolve(&set, s->view.count ? s->view.uids[s->view.count - 1] : 0);
    }
    TRY(imap_take_end(c));
    TRY(imap_command_check_writable(s));
    return imap_command_expunge_deleted(s, s->command.uid ? &set : NULL);
}
