#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The INBOX as a session saw it when it logged in (RFC 1939 4): message numbers and sizes stay as
 * they are until the end, whatever others do to the mailbox meanwhile. Lives on the account's home
 * core. Bounded by pop3.messages_max.
 */
#include "base/error.h"
#include "data/store/mailbox.h"
#include "data/store/pop3_uidl.h"

struct pop3_mail {
    uint64_t size; /* bytes with CRLF, as they are sent but for doubled dots */
    uint32_t uid;
    bool deleted; /* DELE; gone with QUIT */
};

struct pop3_maildrop {
    struct account *account;
    struct mailbox *mailbox;
    struct mailbox_uidls uidls; /* read at the first UIDL */
    bool uidls_read;
    struct pop3_mail *mails;
    uint32_t count;
    uint32_t deleted;
    uint64_t size; /* of those not deleted */
};

/* WAITS. Opens the account's INBOX and takes the first messages_max messages. To be closed in any
 * case. */
error pop3_maildrop_open(struct pop3_maildrop *drop, const struct store_account_key *key,
                         uint32_t messages_max);
void pop3_maildrop_close(struct pop3_maildrop *drop);

/* By number, from 1. ERROR_NOT_FOUND also where DELE marked it. */
error pop3_maildrop_find(struct pop3_maildrop *drop, uint32_t number, struct pop3_mail **out_mail);
void pop3_maildrop_delete(struct pop3_maildrop *drop, struct pop3_mail *mail);
void pop3_maildrop_reset(struct pop3_maildrop *drop);
/* WAITS. The UPDATE state (RFC 1939 6): what is marked is removed, durably when it returns.
 * *out_removed of those that this session removed. */
error pop3_maildrop_update(struct pop3_maildrop *drop, size_t *out_removed);
