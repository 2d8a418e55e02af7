#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Asks an rspamd (normal worker, HTTP: POST /checkv2) what it thinks of a mail. A pool of kept
 * connections per core; the message is sent from where it lies.
 */
#include "filter/spam/spam.h"

/* WAITS. Adds symbols and score; rspamd's own action is a hint in *out_action ("greylist" and
 * "soft reject" are SPAM_DELAY whatever the score, with its text as reply). ERROR_TIMEOUT,
 * ERROR_CLOSED, ERROR_TEMPORARY: not judged. */
error spam_rspamd_judge(const struct spam_mail *mail, struct arena *arena,
                        struct spam_verdict *verdict, enum spam_action *out_action);
