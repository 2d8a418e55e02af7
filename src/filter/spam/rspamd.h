#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Asks an rspamd (normal worker, HTTP: POST /checkv2) what it thinks of a mail. A pool of kept
 * connections per core (net/http/kept.h); the message is sent from where it lies. An rspamd that
 * fails SPAM_RSPAMD_FAILURES_MAX times in a row (no connection, no answer in time, 5xx) is left
 * alone for SPAM_RSPAMD_PAUSE_S, then asked with one mail; until that is answered all others go
 * unjudged at once. An answer that cannot be used concerns one mail and does not count.
 */
#include "filter/spam/spam.h"

enum spam_rspamd_limits {
    SPAM_RSPAMD_ANSWER_SIZE_MAX = 1 << 20, /* bytes of its JSON */
    SPAM_RSPAMD_FAILURES_MAX = 5,
    SPAM_RSPAMD_PAUSE_S = 10,
    SPAM_RSPAMD_FIELD_SIZE_MAX = 1024, /* of a header field that describes the envelope */
    SPAM_RSPAMD_RECIPIENTS_MAX = 20,   /* that it is told; more are not */
};

/* On each core; the settings are borrowed for good. Again at a reload: what is being asked goes on
 * with what it had. */
error spam_rspamd_start(const struct spam_settings *settings);
void spam_rspamd_stop(void);

/* WAITS. Adds symbols and score, and its text for a refusal as reply. *out_action: what rspamd
 * decided without regard to scores: "greylist" and "soft reject" are SPAM_DELAY in any case;
 * "reject", "discard" and marks ("add header", "rewrite subject", "quarantine") count where they
 * were forced, that is where the score alone would not have led to them. Else SPAM_ACCEPT.
 * ERROR_TIMEOUT, ERROR_CLOSED, ERROR_TEMPORARY, ERROR_LIMIT (too large): not judged. */
error spam_rspamd_judge(const struct spam_mail *mail, struct arena *arena,
                        struct spam_verdict *verdict, enum spam_action *out_action);

/* WAITS. Teaches a mail to rspamd's controller (POST /learnspam, /learnham). *out_known: it had
 * learned it before. The settings must live until it returns. */
error spam_rspamd_learn(const struct spam_settings *settings, slice message, bool is_spam,
                        struct arena *arena, bool *out_known);

/* "http://host:port" or "unix:/path". Pure. */
bool spam_rspamd_url_is_valid(slice url);

/* The answer to /checkv2. Pure. ERROR_MALFORMED, ERROR_LIMIT. */
error spam_rspamd_answer_parse(slice json, struct arena *arena, struct spam_verdict *verdict,
                               enum spam_action *out_action);
