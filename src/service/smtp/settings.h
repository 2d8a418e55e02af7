#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Sections "smtp" (mail coming in on port 25) and "submission" (mail of our accounts on its way
 * out, ports 587 and 465) have the same struct; what only submission knows is 0 in the other.
 * All of it is obeyed after a reload by sessions that begin then.
 */
#include "base/setting.h"

enum smtp_sender_check {
    SMTP_SENDER_ENVELOPE, /* MAIL FROM must be an address of the account */
    SMTP_SENDER_HEADER,   /* and every address of the From: field */
};
enum smtp_null_sender {
    SMTP_NULL_SENDER_REPORTS, /* taken where the mail is a multipart/report (RFC 8098 3) */
    SMTP_NULL_SENDER_REFUSE,
    SMTP_NULL_SENDER_ANY,
};

struct smtp_settings {
    size_t size_max; /* bytes */
    unsigned recipients_max;
    unsigned transactions_max;
    unsigned commands_max;
    unsigned errors_max;
    unsigned unknown_recipients_max;
    unsigned hops_max;
    int64_t command_timeout;  /* ns */
    int64_t data_timeout;     /* ns */
    int64_t message_timeout;  /* ns */
    int64_t delivery_timeout; /* ns */
    int64_t tls_timeout;      /* ns */
    int64_t greeting_delay;   /* ns; 0: none */
    bool tls_required;

    /* Submission only. */
    enum smtp_sender_check sender_check;
    enum smtp_null_sender null_sender;
    bool trace_user;   /* Received: names who logged in */
    bool trace_client; /* Received: names the client's address */
    int64_t hold_max;  /* ns, RFC 4865; 0: not offered */
    unsigned priority_max;
    unsigned messages_per_hour, messages_per_day;     /* of one account; 0: no limit */
    unsigned recipients_per_hour, recipients_per_day; /* " */
    int64_t count_save_interval; /* ns: a crash loses what was counted for so long */
};

extern const struct setting_table smtp_setting_table;
extern const struct setting_table submission_setting_table;
