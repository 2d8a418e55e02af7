/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/pop3/command/command.h"

/* RFC 1939 5 */
error pop3_command_noop(struct pop3_session *s)
{
    (void)s;
    return OK;
}
