#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One file per verb, one row per verb. A command finds its arguments in s->command, may write lines
 * to s->base.out and set s->reply, and returns what went wrong; the session answers.
 */
#include "base/metric.h"
#include "service/pop3/session.h"

struct pop3_command_row {
    unsigned states;                      /* enum pop3_state: where it may be used */
    error (*run)(struct pop3_session *s); /* WAITS */
    struct metric *seconds;
    slice done; /* what +OK says */
};

extern const struct pop3_command_row pop3_command_table[POP3_VERB_COUNT];

error pop3_command_capa(struct pop3_session *s);
error pop3_command_stls(struct pop3_session *s);
error pop3_command_auth(struct pop3_session *s);
error pop3_command_user(struct pop3_session *s);
error pop3_command_pass(struct pop3_session *s);
error pop3_command_utf8(struct pop3_session *s);
error pop3_command_lang(struct pop3_session *s);
error pop3_command_stat(struct pop3_session *s);
error pop3_command_list(struct pop3_session *s);
error pop3_command_uidl(struct pop3_session *s);
error pop3_command_retr(struct pop3_session *s);
error pop3_command_top(struct pop3_session *s);
error pop3_command_dele(struct pop3_session *s);
error pop3_command_rset(struct pop3_session *s);
error pop3_command_noop(struct pop3_session *s);
error pop3_command_quit(struct pop3_session *s);

/* WAITS. RETR's and TOP's answer; POP3_TEXT_WHOLE for all lines. */
error pop3_command_send_mail(struct pop3_session *s, const struct pop3_mail *mail, int64_t lines);
/* What LIST and UIDL have in common: a line for the message asked for, or one for each. `write`
 * adds what stands behind the number. */
error pop3_command_list_by(struct pop3_session *s,
                           void (*write)(struct pop3_session *s, const struct pop3_mail *mail));
