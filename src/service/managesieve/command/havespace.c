/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/managesieve/command/command.h"
#include "service/managesieve/reply.h"

error managesieve_refuse_bound(struct managesieve_session *s, enum script_bound bound,
                               error problem)
{
    static const enum managesieve_code codes[] = {
        [SCRIPT_BOUND_NONE] = MANAGESIEVE_CODE_NONE,
        [SCRIPT_BOUND_COUNT] = MANAGESIEVE_CODE_QUOTA_MAXSCRIPTS,
        [SCRIPT_BOUND_SIZE] = MANAGESIEVE_CODE_QUOTA_MAXSIZE,
        [SCRIPT_BOUND_BYTES] = MANAGESIEVE_CODE_QUOTA,
    };
    if (problem.kind != ERROR_LIMIT)
        return problem;
    return managesieve_refuse(s, codes[bound], problem);
}

/* RFC 5804 2.5 */
error managesieve_command_havespace(struct managesieve_session *s)
{
    const struct script_quota quota = script_quota_of(s->scripts);
    enum script_bound bound = SCRIPT_BOUND_NONE;
    error problem =
        script_check_space(&s->place, s->command.strings[0], s->command.number, &quota, &bound);
    return managesieve_refuse_bound(s, bound, problem);
}
