/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/pop3/command/command.h"
#include "service/user/login.h"

#include <stdlib.h>

/* RFC 1939 7: all behind the blank, blanks, too. After a failure USER comes first again. */
error pop3_command_pass(struct pop3_session *s)
{
    TRY(user_check_privacy(&s->base));
    if (!s->name)
        return error_make(ERROR_MALFORMED, "say USER first");
    char *name = s->name;
    s->name = NULL;
    error problem = user_log_in(&s->base, slice_from_string(name), s->command.texts[0]);
    free(name);
    return problem;
}
