/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/managesieve/command/command.h"
#include "service/managesieve/reply.h"
#include "service/managesieve/script.h"

/* RFC 5804 2.6: what is stored can be run. */
error managesieve_command_putscript(struct managesieve_session *s)
{
    const struct script_quota quota = script_quota_of(s->scripts);
    enum script_bound bound = SCRIPT_BOUND_NONE;
    slice name = s->command.strings[0], text = s->command.strings[1];
    error problem = script_check_space(&s->place, name, text.size, &quota, &bound);
    if (failed(problem))
        return managesieve_refuse_bound(s, bound, problem);
    TRY(managesieve_script_check(s, text));
    problem = script_write(&s->place, name, text, &quota, &bound);
    if (failed(problem))
        return managesieve_refuse_bound(s, bound, problem);
    s->written++;
    return OK;
}
