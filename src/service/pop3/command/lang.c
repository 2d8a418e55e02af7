/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/pop3/command/command.h"
#include "service/pop3/reply.h"

/* RFC 6856 3: this server speaks English. */
error pop3_command_lang(struct pop3_session *s)
{
    slice tag = s->command.texts[0];
    if (s->command.count == 0) {
        pop3_say(s, (struct pop3_reply){.text = SLICE("languages follow")});
        buffer_add(&s->base.out, SLICE("en English\r\n"));
        return pop3_end_listing(s);
    }
    if (!slice_equal(tag, SLICE("*")) && !slice_equal_nocase(tag, SLICE("en")) &&
        !slice_equal_nocase(tag, SLICE("i-default")))
        return error_make(ERROR_NOT_FOUND, "this server speaks English only");
    s->reply.text = SLICE("en English it is");
    return OK;
}
