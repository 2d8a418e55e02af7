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

/* As RCPT named it: what DSNs will be about. */
struct smtp_recipient {
    struct smtp_recipient *next;
    slice address;
    unsigned notify;
    slice orcpt_type, orcpt_address;
};

/* A mailbox that will get the message; none occurs twice, however many recipients lead to it. */
struct smtp_target {
    struct smtp_target *next;
    const struct directory_account *account;
    slice detail;
};

struct smtp_transaction {
    bool open;
    struct arena arena;
    struct smtp_mail mail;
    struct smtp_recipient *recipients, *last_recipient;
    struct smtp_target *targets, *last_target;
    struct map target_map; /* by account address */
    unsigned recipient_count, target_count;
    unsigned recipients_refused;
    struct body body;
    bool chunking; /* BDAT has begun: nothing else may follow but BDAT, RSET, QUIT */
    bool failed;   /* a chunk was refused: the rest is read and refused too */
    instant began; /* MAIL */
};

void smtp_transaction_init(struct smtp_transaction *transaction);
/* Opens it; the mail is copied. */
error smtp_transaction_begin(struct smtp_transaction *transaction, const struct smtp_mail *mail);
/* A recipient and the mailboxes it leads to; the resolution lies in the transaction's arena.
 * ERROR_LIMIT past SMTP_TARGETS_MAX: then nothing was added. */
error smtp_transaction_add(struct smtp_transaction *transaction, const struct smtp_rcpt *rcpt,
                           const struct directory_resolution *resolution);
/* Forgets everything and gives the memory back. */
void smtp_transaction_reset(struct smtp_transaction *transaction);
