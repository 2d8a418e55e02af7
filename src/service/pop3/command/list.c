/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/pop3/command/command.h"
#include "service/pop3/reply.h"

static error list_all(struct pop3_session *s,
                      void (*write)(struct pop3_session *s, const struct pop3_mail *mail))
{
    slice text;
    TRY(arena_format(&s->base.arena, &text, "%u messages", s->drop.count - s->drop.deleted));
    pop3_say(s, (struct pop3_reply){.text = text});
    for (uint32_t i = 0; i < s->drop.count; i++) {
        if (s->drop.mails[i].deleted)
            continue;
        buffer_format(&s->base.out, "%u ", i + 1);
        write(s, &s->drop.mails[i]);
        buffer_add(&s->base.out, SLICE("\r\n"));
        TRY(user_send_some(&s->base));
    }
    return pop3_end_listing(s);
}

error pop3_command_list_by(struct pop3_session *s,
                           void (*write)(struct pop3_session *s, const struct pop3_mail *mail))
{
    struct pop3_mail *mail;
    if (s->command.count == 0)
        return list_all(s, write);
    TRY(pop3_maildrop_find(&s->drop, s->command.numbers[0], &mail));
    buffer_format(&s->base.out, "+OK %u ", s->command.numbers[0]);
    write(s, mail);
    buffer_add(&s->base.out, SLICE("\r\n"));
    s->base.answered = true;
    return user_send(&s->base);
}

static void write_size(struct pop3_session *s, const struct pop3_mail *mail)
{
    buffer_add_u64(&s->base.out, mail->size);
}

/* RFC 1939 5 */
error pop3_command_list(struct pop3_session *s)
{
    return pop3_command_list_by(s, write_size);
}
