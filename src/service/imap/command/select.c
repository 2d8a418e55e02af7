/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/imap/command/command.h"
#include "service/imap/reply.h"

/* The first message without \Seen, by number; 0 where all were read. */
static uint32_t first_unseen(const struct imap_view *view)
{
    if (mailbox_status(view->mailbox).unseen == 0)
        return 0;
    for (uint32_t i = 0; i < view->count; i++) {
        const struct mail *mail = mailbox_find(view->mailbox, view->uids[i]);
        if (mail && !(mail->flags & MAIL_SEEN))
            return i + 1;
    }
    return 0;
}

static void say_ok(struct imap_session *s, enum imap_code code, uint32_t number, slice text)
{
    struct imap_response response = {.kind = IMAP_OK, .code = code, .text = text};
    if (!failed(arena_format(&s->base.arena, &response.argument, "%u", number)))
        imap_say(s, SLICE_EMPTY, response);
}

/* RFC 3501 6.3.1 */
static void describe(struct imap_session *s)
{
    const struct imap_view *view = &s->view;
    struct mailbox_status status = mailbox_status(view->mailbox);
    imap_view_write_flags(s, true);
    buffer_format(&s->base.out, "* %u EXISTS\r\n* %u RECENT\r\n", view->count,
                  imap_view_recent_total(view));
    uint32_t unseen = first_unseen(view);
    if (unseen)
        say_ok(s, IMAP_CODE_UNSEEN, unseen, SLICE("first unseen message"));
    say_ok(s, IMAP_CODE_UIDVALIDITY, status.uid_validity, SLICE("UIDs are valid"));
    say_ok(s, IMAP_CODE_UIDNEXT, status.uid_next, SLICE("predicted next UID"));
}

error imap_command_select(struct imap_session *s)
{
    bool read_only = s->command.verb == IMAP_EXAMINE;
    struct mailbox *mailbox;
    slice name;
    TRY(imap_command_take_mailbox(s, &name));
    /* RFC 3501 6.3.1: the old one is closed, also where the new one cannot be opened */
    imap_view_close(&s->view);
    s->base.state = IMAP_STATE_LOGGED_IN;
    TRY(mailbox_open(s->account, name, &mailbox));
    TRY(imap_view_open(s, mailbox, read_only));
    s->base.state = IMAP_STATE_SELECTED;
    describe(s);
    s->response.code = read_only ? IMAP_CODE_READ_ONLY : IMAP_CODE_READ_WRITE;
    return OK;
}
