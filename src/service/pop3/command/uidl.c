/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/pop3/uidl.h"
#include "service/pop3/command/command.h"

/* The message may have been removed by others; its number stays (RFC 1939 4). */
static void write_id(struct pop3_session *s, const struct pop3_mail *mail)
{
    struct mailbox *mailbox = s->drop.mailbox;
    slice own = mailbox_uidls_find(&s->drop.uidls, mail->uid);
    if (own.size) {
        buffer_add(&s->base.out, own);
        return;
    }
    const struct mail *stored = mailbox_find(mailbox, mail->uid);
    const struct pop3_uidl_parts parts = {
        .uid = mail->uid,
        .uid_validity = mailbox_status(mailbox).uid_validity,
        .base_name = stored ? mail_base_name(mailbox, stored) : SLICE("removed"),
    };
    pop3_uidl_write(s->settings->uidl_format, &parts, &s->base.out);
}

/* RFC 1939 7 */
error pop3_command_uidl(struct pop3_session *s)
{
    if (!s->drop.uidls_read)
        TRY(mailbox_uidls_open(s->drop.mailbox, &s->drop.uidls));
    s->drop.uidls_read = true;
    return pop3_command_list_by(s, write_id);
}
