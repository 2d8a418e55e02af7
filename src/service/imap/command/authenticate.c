/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/imap/authenticate.h"

#include "service/imap/command/command.h"
#include "service/imap/reply.h"
#include "service/user/login.h"

/* RFC 3501 6.2.2, RFC 4959 */
error imap_command_authenticate(struct imap_session *s)
{
    struct imap_authenticate start;
    const struct login_party party = user_login_party(&s->base);
    enum login_mechanism mechanism;
    TRY(imap_authenticate_parse(&s->command.arguments, &start));
    error problem = user_check_privacy(&s->base);
    if (failed(problem))
        return imap_refuse(s, IMAP_CODE_PRIVACYREQUIRED, problem);
    if (!login_mechanism_find(start.mechanism, &party, &mechanism))
        return imap_refuse(s, IMAP_CODE_CANNOT,
                           error_make(ERROR_PERMANENT, "unknown authentication mechanism"));
    return user_authenticate(&s->base, mechanism, start.initial_given ? &start.initial : NULL);
}
