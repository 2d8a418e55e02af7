#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One mail on its way in: the envelope as MAIL and RCPT build it, and the message. Begins with
 * MAIL, ends with its final reply, RSET, a new hello or the connection.
 */
#include "base/arena.h"
#include "base/map.h"
#include "base/time.h"
#include "data/directory/directory.h"
#include "format/smtp/command.h"
#include "runtime/body.h"
#include "service/smtp/authentication.h"
#include "service/smtp/judgement.h"

/* As RCPT named it: what DSNs will be about. */
struct smtp_recipient {
    struct smtp_recipient *next;
    slice address;
    unsigned notify;
    slice orcpt_type, orcpt_address;
};

/* A mailbox, or an address elsewhere, that will get the message; none occurs twice, however many
 * recipients lead to it. */
struct smtp_target {
    struct smtp_target *next;
    const struct smtp_recipient *recipient;  /* who led to it first */
    const struct directory_account *account; /* NULL: elsewhere */
    slice address;                           /* of the account; elsewhere: domain in A-labels */
    slice detail;
    slice extended; /* the address with the detail: what the queue gets */
};

struct smtp_transaction {
    bool open;
    struct arena arena;
    struct smtp_mail mail;
    struct smtp_recipient *recipients, *last_recipient;
    struct smtp_target *targets, *last_target;
    struct map target_map; /* by address */
    unsigned recipient_count;
    unsigned target_count, outside_count; /* mailboxes and addresses elsewhere */
    unsigned recipients_refused;
    unsigned recipients_left; /* that the account may have now (service/smtp/sending.h) */
    bool limit_told;
    bool report_success; /* a recipient wants to be told of success (RFC 3461) */
    struct body body;
    struct smtp_authentication authentication; /* of the message, once it is there */
    struct smtp_judgement judgement;
    bool junk;             /* goes into mailboxes for junk */
    bool chunking;         /* BDAT has begun: nothing else may follow but BDAT, RSET, QUIT */
    bool failed;           /* a chunk was refused: the rest is read and refused too */
    instant began;         /* MAIL */
    int64_t began_seconds; /* since 1970 */
};

void smtp_transaction_init(struct smtp_transaction *transaction);
/* Opens it; the mail is copied. */
error smtp_transaction_begin(struct smtp_transaction *transaction, const struct smtp_mail *mail);
/* A recipient and what it leads to; the resolution lies in the transaction's arena. ERROR_LIMIT
 * past SMTP_TARGETS_MAX: then nothing was added. */
error smtp_transaction_add(struct smtp_transaction *transaction, const struct smtp_rcpt *rcpt,
                           const struct directory_resolution *resolution);
/* When the mail may leave, seconds since 1970 (RFC 4865); 0: at once. */
int64_t smtp_transaction_hold_until(const struct smtp_transaction *transaction);
/* Forgets everything and gives the memory back. */
void smtp_transaction_reset(struct smtp_transaction *transaction);
