/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/login/login.h"

#include "format/imap/token.h"
#include "service/imap/command/command.h"
#include "service/imap/login.h"

/* RFC 3501 6.2.3 */
error imap_command_login(struct imap_session *s)
{
    struct cursor *c = &s->command.arguments;
    slice name, password;
    TRY(imap_take_space(c));
    TRY(imap_take_astring(c, &s->arena, &name));
    TRY(imap_take_space(c));
    TRY(imap_take_astring(c, &s->arena, &password));
    TRY(imap_take_end(c));
    return imap_session_check_password(s, name, password);
}
