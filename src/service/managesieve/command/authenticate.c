/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/managesieve/command/command.h"
#include "service/managesieve/reply.h"
#include "service/user/login.h"

/* RFC 5804 2.1 */
error managesieve_command_authenticate(struct managesieve_session *s)
{
    const struct login_party party = user_login_party(&s->base);
    enum login_mechanism mechanism;
    error problem = user_check_privacy(&s->base);
    if (failed(problem))
        return managesieve_refuse(s, MANAGESIEVE_CODE_ENCRYPT_NEEDED, problem);
    if (!login_mechanism_find(s->command.strings[0], &party, &mechanism))
        return managesieve_refuse(s, MANAGESIEVE_CODE_NONE,
                                  error_make(ERROR_PERMANENT, "unknown authentication mechanism"));
    return user_authenticate(&s->base, mechanism,
                             s->command.count < 2 ? NULL : &s->command.strings[1]);
}
