#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Senders of mail that an alias leads elsewhere: rewritten by SRS (filter/authentic/srs.h), and
 * turned back where a bounce comes to one, from another server or from our own queue. Section
 * "forward" of the configuration; without a secret senders stay as they are. Any core.
 */
#include "base/setting.h"

struct forward_settings {
    slice srs_secret; /* empty: senders are not rewritten */
    slice srs_domain; /* empty: the host's name */
};

extern const struct setting_table forward_setting_table;

/* From any thread, at start and after a reload; both stay alive. */
void forward_set_settings(const struct forward_settings *settings, slice hostname);

/* WAITS. What the next server is told; in the arena. An empty sender stays, one in a domain of
 * ours, and one that is too long to be rewritten. */
error forward_sender(slice sender, struct arena *arena, slice *out_sender);
/* Whom mail to `address` is for, where it is a sender that was rewritten here. ERROR_NOT_FOUND: it
 * is not; ERROR_DENIED: it looks like one, but is forged or too old. */
error forward_original(slice address, struct arena *arena, slice *out_address);
