#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The ESMTP parameters behind the paths of MAIL and RCPT (RFC 5321 4.1.2), for command.c.
 */
#include "base/cursor.h"
#include "format/smtp/command.h"

/* The rest of the line: " KEY=value KEY". */
enum smtp_reply smtp_parameters_mail(struct arena *arena, struct cursor *c, unsigned offered,
                                     struct smtp_mail *mail);
enum smtp_reply smtp_parameters_rcpt(struct arena *arena, struct cursor *c, unsigned offered,
                                     struct smtp_rcpt *rcpt);
