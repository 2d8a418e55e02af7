#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One file per verb, one row per verb. A command finds its arguments in s->command, writes lines to
 * s->base.out, may set s->response and returns what went wrong; the session answers.
 */
#include "base/metric.h"
#include "service/managesieve/session.h"

struct managesieve_command_row {
    unsigned states;                             /* enum managesieve_state: where it may be used */
    error (*run)(struct managesieve_session *s); /* WAITS */
    struct metric *seconds;
    slice done; /* what OK says */
};

extern const struct managesieve_command_row managesieve_command_table[MANAGESIEVE_VERB_COUNT];

error managesieve_command_authenticate(struct managesieve_session *s);
error managesieve_command_starttls(struct managesieve_session *s);
error managesieve_command_logout(struct managesieve_session *s);
error managesieve_command_capability(struct managesieve_session *s);
error managesieve_command_havespace(struct managesieve_session *s);
error managesieve_command_putscript(struct managesieve_session *s);
error managesieve_command_listscripts(struct managesieve_session *s);
error managesieve_command_setactive(struct managesieve_session *s);
error managesieve_command_getscript(struct managesieve_session *s);
error managesieve_command_deletescript(struct managesieve_session *s);
error managesieve_command_renamescript(struct managesieve_session *s);
error managesieve_command_checkscript(struct managesieve_session *s);
error managesieve_command_noop(struct managesieve_session *s);
error managesieve_command_unauthenticate(struct managesieve_session *s);

/* The code for a bound of scripts that was met (HAVESPACE and PUTSCRIPT). */
error managesieve_refuse_bound(struct managesieve_session *s, enum script_bound bound,
                               error problem);
