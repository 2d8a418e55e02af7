#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The verbs, one file each in command/, and the table that says when each may come.
 */
#include "service/smtp/session.h"

/* Runs a parsed command and writes its reply. WAITS. An error means that the connection is gone;
 * everything else is a reply. */
typedef error smtp_run(struct smtp_session *session, const struct smtp_command *command);

smtp_run smtp_command_hello; /* HELO, EHLO */
smtp_run smtp_command_mail;
smtp_run smtp_command_rcpt;
smtp_run smtp_command_data;
smtp_run smtp_command_bdat;
smtp_run smtp_command_rset;
smtp_run smtp_command_noop;
smtp_run smtp_command_vrfy;
smtp_run smtp_command_help;
smtp_run smtp_command_quit;
smtp_run smtp_command_starttls;
smtp_run smtp_command_auth;

enum smtp_row_flag {
    SMTP_ROW_ANYTIME = 1 << 0,  /* also before hello */
    SMTP_ROW_LAST = 1 << 1,     /* nothing may be sent ahead of its reply (RFC 2920 3.1) */
    SMTP_ROW_CHUNKING = 1 << 2, /* also between BDATs */
    SMTP_ROW_PLAIN = 1 << 3,    /* also before STARTTLS where TLS is required (RFC 3207 4), and
                                   before AUTH where that is */
};

struct smtp_row {
    smtp_run *run;  /* NULL: not known */
    unsigned roles; /* enum smtp_role bits */
    unsigned flags;
};
/* Never NULL; a row without run for verbs that are not offered. */
const struct smtp_row *smtp_row(enum smtp_verb verb);
