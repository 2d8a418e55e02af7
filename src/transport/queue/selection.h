#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Which mails an operator means. On the owner core.
 */
#include "transport/queue/mail.h"

bool queue_selection_matches(const struct queue_selection *selection,
                             const struct queue_mail *mail);
