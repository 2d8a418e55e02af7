/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/pop3/command/command.h"
#include "service/user/login.h"

#include <stdlib.h>

/* RFC 1939 7. Whether there is such a name only PASS tells. */
error pop3_command_user(struct pop3_session *s)
{
    slice name = slice_trim(s->command.texts[0]);
    TRY(user_check_privacy(&s->base));
    if (name.size == 0)
        return error_make(ERROR_MALFORMED, "an argument is missing");
    free(s->name);
    s->name = strndup(name.data, name.size); /* no NUL in it: the grammar has none */
    TRY_MEMORY(s->name);
    return OK;
}
