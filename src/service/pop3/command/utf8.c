/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/pop3/command/command.h"

/* RFC 6856 2. Messages are sent as they are in any case: what a client cannot show it would not be
 * able to show downgraded by us, either, and its signatures would be gone. */
error pop3_command_utf8(struct pop3_session *s)
{
    (void)s;
    return OK;
}
