/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/managesieve/command/command.h"
#include "service/managesieve/reply.h"
#include "service/managesieve/script.h"

/* RFC 5804 2.12 */
error managesieve_command_checkscript(struct managesieve_session *s)
{
    slice text = s->command.strings[0];
    if (text.size > s->scripts->script_size_max)
        return managesieve_refuse(s, MANAGESIEVE_CODE_QUOTA_MAXSIZE,
                                  error_make(ERROR_LIMIT, "the script is too large"));
    return managesieve_script_check(s, text);
}
