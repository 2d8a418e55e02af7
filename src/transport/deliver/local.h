#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Final delivery of one message into mailboxes of this machine (RFC 5321 4.4): puts Return-Path:,
 * Delivered-To: and the trace field before it, asks the accounts' Sieve scripts, hands it to the
 * store (which journals here and files on the accounts' home cores), logs one line per mailbox.
 * Runs on the core that accepted the message.
 */
#include "base/arena.h"
#include "base/time.h"
#include "data/directory/directory.h"
#include "data/store/store.h"

enum { DELIVER_LOCAL_HEADER_SIZE_MAX = 96 * 1024 }; /* bytes put before the message */

/* Whose mailboxes the store is asked for. Slices are the account's. */
static inline struct store_account_key deliver_account_key(const struct directory_account *account)
{
    return (struct store_account_key){.id = account->address,
                                      .path = slice_from_string(account->maildir),
                                      .quota_bytes = account->quota_bytes,
                                      .quota_messages = account->quota_messages};
}

struct deliver_local_target {
    const struct directory_account *account;
    slice detail;    /* of user+detail; NULL data: none */
    slice recipient; /* as RCPT named it, before aliases; empty: the account's address */
    /* Result: OK; ERROR_LIMIT: the mailbox is full; ERROR_TEMPORARY and others: try later. */
    error result;
    bool refused;  /* for good, by the account's script; the result is an error, too */
    slice refusal; /* its words, in the arena; may be empty */
};

struct deliver_local {
    slice id;      /* for logs */
    slice sender;  /* reverse path; empty: <> */
    slice trace;   /* "Received: ...\r\n", may be empty */
    slice message; /* contiguous, CRLF */
    bool junk;     /* into each account's mailbox for junk (transport/deliver/junk.h) */
    bool each;     /* the caller can tell the sender of each recipient by itself: a refusal is never
                      sent by a report of its own */
    instant deadline;
    struct deliver_local_target *targets; /* no account twice */
    unsigned count;
};

/* WAITS. OK: look at each target's result. An error means that no target has the message. A message
 * for one account names it in Delivered-To:; one for several is a single hard-linked file, which
 * names none, because one recipient must not be told of another (RFC 5321 7.2). `arena` holds what
 * is needed meanwhile. */
error deliver_local(struct deliver_local *delivery, struct arena *arena);
