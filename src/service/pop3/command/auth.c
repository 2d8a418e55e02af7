/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/pop3/command/command.h"
#include "service/pop3/reply.h"
#include "service/user/login.h"

/* Clients from before CAPA ask so (RFC 1734's successor never said it; all servers answer). */
static error list_mechanisms(struct pop3_session *s)
{
    const struct login_party party = user_login_party(&s->base);
    pop3_say(s, (struct pop3_reply){0});
    for (enum login_mechanism m = 0; m < LOGIN_MECHANISM_COUNT; m++)
        if (login_mechanism_is_offered(m, &party))
            buffer_format(&s->base.out, "%s\r\n", login_mechanism_name(m));
    return pop3_end_listing(s);
}

/* RFC 5034 4 */
error pop3_command_auth(struct pop3_session *s)
{
    const struct login_party party = user_login_party(&s->base);
    enum login_mechanism mechanism;
    TRY(user_check_privacy(&s->base));
    if (s->command.count == 0)
        return list_mechanisms(s);
    if (!login_mechanism_find(s->command.texts[0], &party, &mechanism))
        return error_make(ERROR_MALFORMED, "unknown authentication mechanism");
    bool empty = slice_equal(s->command.texts[1], SLICE("=")); /* RFC 5034 4 */
    const slice initial = empty ? SLICE_EMPTY : s->command.texts[1];
    return user_authenticate(&s->base, mechanism, s->command.count < 2 ? NULL : &initial);
}
