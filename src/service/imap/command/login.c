/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/user/login.h"
#include "format/imap/token.h"
#include "service/imap/command/command.h"
#include "service/imap/reply.h"

/* RFC 3501 6.2.3 */
error imap_command_login(struct imap_session *s)
{
    struct cursor *c = &s->command.arguments;
    slice name, password;
    TRY(imap_take_space(c));
    TRY(imap_take_astring(c, &s->base.arena, &name));
    TRY(imap_take_space(c));
    TRY(imap_take_astring(c, &s->base.arena, &password));
    TRY(imap_take_end(c));
    error problem = user_check_privacy(&s->base);
    if (failed(problem))
        return imap_refuse(s, IMAP_CODE_PRIVACYREQUIRED, problem);
    return user_log_in(&s->base, name, password);
}
