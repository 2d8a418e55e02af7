/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/managesieve/script.h"

#include "filter/sieve/sieve.h"
#include "service/managesieve/reply.h"
#include "service/managesieve/session.h"

slice managesieve_script_extensions(void)
{
    return sieve_capabilities();
}

error managesieve_script_check(struct managesieve_session *s, slice text)
{
    struct sieve_script *script = NULL;
    struct sieve_problem wrong;
    slice said;
    error problem = sieve_compile(text, &script, &wrong);
    sieve_script_destroy(&script);
    if (problem.kind != ERROR_MALFORMED && problem.kind != ERROR_LIMIT)
        return problem;
    TRY(arena_format(&s->base.arena, &said, "line %u: %s", wrong.line, wrong.text));
    return managesieve_refuse_text(s, MANAGESIEVE_CODE_NONE, said);
}
