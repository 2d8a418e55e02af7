#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The file "subscriptions" in an account's Maildir, in Dovecot's format (data/store/dovecot.h).
 */
#include "data/store/dovecot.h"

enum { SUBSCRIPTIONS_SIZE_MAX = 1 << 20 }; /* bytes of the file */

struct subscriptions {
    char *content;
    struct dovecot_subscriptions list;
};
/* Blocks shortly. A missing file is empty. */
error subscriptions_read(const char *maildir, struct subscriptions *out_subscriptions);
bool subscriptions_next(struct subscriptions *subscriptions, struct arena *arena, slice *out_name);
void subscriptions_close(struct subscriptions *subscriptions);
/* Blocks shortly: rewrites the file beside and renames it. */
error subscriptions_change(const char *maildir, slice name, bool on);
