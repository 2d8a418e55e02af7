/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/smtp/command.h"

enum {
    MX_SUBMISSION = SMTP_ROLE_MX | SMTP_ROLE_SUBMISSION,
    ALL = MX_SUBMISSION | SMTP_ROLE_LMTP,
};

/* NOOP, VRFY and HELP are "last in a group" by RFC 2920 too, but nothing can go wrong there. */
static const struct smtp_row rows[SMTP_VERBS] = {
    [SMTP_VERB_HELO] = {smtp_command_hello, MX_SUBMISSION,
                        SMTP_ROW_ANYTIME | SMTP_ROW_LAST | SMTP_ROW_PLAIN},
    [SMTP_VERB_EHLO] = {smtp_command_hello, MX_SUBMISSION,
                        SMTP_ROW_ANYTIME | SMTP_ROW_LAST | SMTP_ROW_PLAIN},
    [SMTP_VERB_MAIL] = {smtp_command_mail, ALL, 0},
    [SMTP_VERB_RCPT] = {smtp_command_rcpt, ALL, 0},
    [SMTP_VERB_DATA] = {smtp_command_data, ALL, SMTP_ROW_LAST},
    [SMTP_VERB_BDAT] = {smtp_command_bdat, ALL, SMTP_ROW_CHUNKING | SMTP_ROW_ANYTIME},
    [SMTP_VERB_RSET] = {smtp_command_rset, ALL,
                        SMTP_ROW_ANYTIME | SMTP_ROW_CHUNKING | SMTP_ROW_PLAIN},
    [SMTP_VERB_NOOP] = {smtp_command_noop, ALL, SMTP_ROW_ANYTIME | SMTP_ROW_PLAIN},
    [SMTP_VERB_VRFY] = {smtp_command_vrfy, ALL, 0},
    [SMTP_VERB_HELP] = {smtp_command_help, ALL, SMTP_ROW_ANYTIME | SMTP_ROW_PLAIN},
    [SMTP_VERB_QUIT] = {smtp_command_quit, ALL,
                        SMTP_ROW_ANYTIME | SMTP_ROW_CHUNKING | SMTP_ROW_PLAIN},
    [SMTP_VERB_STARTTLS] = {smtp_command_starttls, ALL, SMTP_ROW_PLAIN},
    [SMTP_VERB_AUTH] = {smtp_command_auth, SMTP_ROLE_SUBMISSION, SMTP_ROW_LAST | SMTP_ROW_PLAIN},
};

const struct smtp_row *smtp_row(enum smtp_verb verb)
{
    return &rows[verb];
}
