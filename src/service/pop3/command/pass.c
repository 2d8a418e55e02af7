/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/pop3/command/command.h"
#include "service/pop3/login.h"

#include <stdlib.h>

/* RFC 1939 7: all behind the blank, blanks, too. After a failure USER comes first again. */
error pop3_command_pass(struct pop3_session *s)
{
    TRY(pop3_session_check_privacy(s));
    if (!s->name)
        return error_make(ERROR_MALFORMED, "say USER first");
    char *name = s->name;
    s->name = NULL;
    error problem = pop3_session_check_password(s, slice_from_string(name), s->command.texts[0]);
    free(name);
    return problem;
}
