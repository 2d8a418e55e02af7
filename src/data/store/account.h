#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * An account opened on its home core: one struct for all its sessions and deliveries, counted
 * references, kept for a while after the last. Holds its mailbox directory, subscriptions and
 * quota.
 */
#include "base/arena.h"
#include "base/list.h"
#include "data/store/store.h"

struct account;
struct mailbox;

/* WAITS. ERROR_NOT_FOUND where the Maildir is missing and `create` is false; quota limits of the
 * key replace those known. The Maildir itself is only made with its first mailbox or message. */
error account_open(const struct store_account_key *key, bool create, struct account **out_account);
struct account *account_ref(struct account *account);
void account_close(struct account **account);
slice account_id(const struct account *account);

/* WAITS. Makes and subscribes Drafts, Sent, Junk, Trash and Archive where the account has no
 * mailbox but INBOX yet: called at login, not at delivery. */
error account_provision(struct account *account);

struct account_usage {
    uint64_t bytes, messages;         /* over all mailboxes; exact */
    uint64_t bytes_max, messages_max; /* 0: no limit */
};
/* WAITS the first time (reads every mailbox's index once). */
error account_usage(struct account *account, struct account_usage *out_usage);

enum mailbox_attribute {
    MAILBOX_NOSELECT = 1 << 0, /* only a level of hierarchy: not there itself, has children */
    MAILBOX_HAS_CHILDREN = 1 << 1,
    MAILBOX_SUBSCRIBED = 1 << 2,
    MAILBOX_NONEXISTENT = 1 << 3, /* subscribed, but not there */
    MAILBOX_SENT = 1 << 4,        /* RFC 6154, by name */
    MAILBOX_DRAFTS = 1 << 5,
    MAILBOX_JUNK = 1 << 6,
    MAILBOX_TRASH = 1 << 7,
    MAILBOX_ARCHIVE = 1 << 8,
    MAILBOX_SPECIAL_USE =
        MAILBOX_SENT | MAILBOX_DRAFTS | MAILBOX_JUNK | MAILBOX_TRASH | MAILBOX_ARCHIVE,
};

struct mailbox_entry {
    slice name; /* UTF-8, STORE_SEPARATOR between levels; "INBOX" */
    unsigned attributes;
};
/* What a mailbox of this name is for, if it exists and no other has the use: an attribute of
 * MAILBOX_SPECIAL_USE, or 0. Pure. */
unsigned mailbox_name_use(slice name);
/* WAITS. All mailboxes, hierarchy levels without a mailbox, and subscribed names, in name order,
 * INBOX first; in the arena. */
error account_list(struct account *account, struct arena *arena,
                   const struct mailbox_entry **out_entries, size_t *out_count);
/* The name of the mailbox with this special use, from the names that exist; else the default name
 * ("Junk") with *out_exists false. WAITS. In the arena. */
error account_special(struct account *account, enum mailbox_attribute use, struct arena *arena,
                      slice *out_name, bool *out_exists);

/* ERROR_MALFORMED for names that cannot be (empty level, '/', control characters, not UTF-8),
 * ERROR_LIMIT for too long or deep ones. Pure. */
error mailbox_name_check(slice name);

/* WAITS. ERROR_EXISTS. Missing parents stay hierarchy levels. */
error mailbox_create(struct account *account, slice name);
/* WAITS. ERROR_NOT_FOUND; ERROR_DENIED for INBOX. Children stay. Sessions that have it open see it
 * as gone (mailbox_is_gone). */
error mailbox_delete(struct account *account, slice name);
/* WAITS. Children move along; UIDs, UIDVALIDITY and mailbox ids stay. Renaming INBOX moves its
 * messages into a new mailbox (RFC 9051 6.3.6). ERROR_EXISTS, ERROR_NOT_FOUND. */
error mailbox_rename(struct account *account, slice from, slice to);
/* WAITS. Any well-formed name may be subscribed (RFC 9051 6.3.7). */
error mailbox_subscribe(struct account *account, slice name, bool on);
bool mailbox_exists(struct account *account, slice name);
