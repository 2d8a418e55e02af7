#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Mail into mailboxes, from any core: journal and home cores at the same time. This is all that
 * SMTP, LMTP, Sieve and APPEND need to know of both. A message of several local recipients is
 * journaled once and is one file, hard-linked. A message that could never fit in the journal is
 * made durable by syncing its file instead.
 */
#include "data/store/store.h"

enum { STORE_RECIPIENTS_MAX = 1000, STORE_DELIVERY_KEYWORDS_MAX = 64 };

struct store_recipient {
    struct store_account_key account;
    slice mailbox;         /* UTF-8; empty: INBOX */
    bool mailbox_create;   /* make a missing mailbox; else ERROR_NOT_FOUND */
    bool quota_ignored;    /* for what must not fail */
    uint8_t flags;         /* enum mail_flag */
    const slice *keywords; /* names */
    unsigned keyword_count;
    /* Results. */
    error result; /* ERROR_LIMIT: over quota; ERROR_TEMPORARY: try later */
    uint32_t uid, uid_validity;
};

struct store_delivery {
    /* The message: lines to prepend and the body, CRLF line ends; concatenated they are the file.
     */
    const slice *parts;
    unsigned part_count;   /* at most 60 */
    int64_t internal_date; /* seconds; 0: now */
    uint64_t object_id;    /* 0: a new one */
    slice cache;           /* blob for mailbox_cache; may be empty */
    struct store_recipient *recipients;
    unsigned recipient_count;
    instant deadline; /* for room in the journal; 0: 60 s */
};

/* WAITS. Stores one message for every recipient and makes it durable: when it returns OK, each
 * recipient whose result is OK has it, exactly once, also after a power cut. A failure of one
 * recipient is its result; an error returned (no journal space, flush failed) means that none has
 * it. Runs on the accepting core. Not ended by cancellation once the files are being made. */
error store_deliver(struct store_delivery *delivery);

/* WAITS (a hop to the home core). ERROR_LIMIT where `size` more bytes do not fit; for RCPT and
 * MAIL. An account whose Maildir is not there yet is empty. */
error store_quota_check(const struct store_account_key *account, uint64_t size);
