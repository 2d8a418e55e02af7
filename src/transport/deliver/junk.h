#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Which mailbox of an account junk goes into: the one that spam.junk_mailbox names, if the account
 * has it; else the one it uses for junk (RFC 6154), by whatever name; else the named one, which is
 * made. An account that nobody has logged into yet gets the mailboxes of a first login.
 */
#include "base/arena.h"
#include "data/store/delivery.h"

enum { JUNK_KEYWORD_COUNT = 1 };
/* $Junk, as clients know it (IANA's IMAP keywords). */
extern const slice junk_keywords[JUNK_KEYWORD_COUNT];

/* WAITS (hops to the home cores). Fills in mailbox, mailbox_create and keywords of each. Where an
 * account cannot be asked now it is the named one. `recipients` share `arena`. */
error junk_find_mailboxes(struct store_recipient *recipients, unsigned count, slice named,
                          struct arena *arena);
