/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/smtp/settings.h"

#include "service/smtp/limits.h"

#define S struct smtp_settings
#define R SETTING_RELOADABLE
/* What every session has. */
#define COMMON                                                                                     \
    SETTING_BYTES(S, size_max, SMTP_SIZE_MAX_DEFAULT, 64 << 10, 1LL << 32, R,                      \
                  "largest message that is taken"),                                                \
        SETTING_NUMBER(S, recipients_max, SMTP_RECIPIENTS_MAX_DEFAULT, 1, 10000, R,                \
                       "recipients of one message"),                                               \
        SETTING_NUMBER(S, transactions_max, SMTP_TRANSACTIONS_MAX_DEFAULT, 1, 1000000000, R,       \
                       "messages of one session"),                                                 \
        SETTING_NUMBER(S, commands_max, SMTP_COMMANDS_MAX_DEFAULT, 1, 1000000000, R,               \
                       "commands of one session"),                                                 \
        SETTING_NUMBER(S, errors_max, SMTP_ERRORS_MAX_DEFAULT, 1, 1000000, R,                      \
                       "bad commands before the session is ended"),                                \
        SETTING_NUMBER(S, unknown_recipients_max, SMTP_UNKNOWN_RECIPIENTS_MAX_DEFAULT, 1, 1000000, \
                       R, "refused recipients before the session is ended"),                       \
        SETTING_NUMBER(S, hops_max, SMTP_HOPS_MAX_DEFAULT, 1, 1000, R,                             \
                       "Received: fields that make a mail loop"),                                  \
        SETTING_DURATION(S, command_timeout, SMTP_COMMAND_TIMEOUT_DEFAULT, TIME_S, 3600 * TIME_S,  \
                         R, "silence between commands"),                                           \
        SETTING_DURATION(S, data_timeout, SMTP_DATA_TIMEOUT_DEFAULT, TIME_S, 3600 * TIME_S, R,     \
                         "silence within a message"),                                              \
        SETTING_DURATION(S, message_timeout, SMTP_MESSAGE_TIMEOUT_DEFAULT, TIME_S, 86400 * TIME_S, \
                         R, "sending one message"),                                                \
        SETTING_DURATION(S, delivery_timeout, SMTP_DELIVERY_TIMEOUT_DEFAULT, TIME_S, 600 * TIME_S, \
                         R, "storing one message"),                                                \
        SETTING_DURATION(S, tls_timeout, SMTP_TLS_TIMEOUT_DEFAULT, TIME_S, 600 * TIME_S, R,        \
                         "a TLS handshake"),                                                       \
        SETTING_DURATION(                                                                          \
            S, greeting_delay, 0, 0, 60 * TIME_S, R,                                               \
            "clients that speak before the greeting, which waits so long, are refused")

static const struct setting rows[] = {
    COMMON,
    SETTING_FLAG(S, tls_required, false, R, "no mail without STARTTLS (never on a public port 25)"),
};
const struct setting_table smtp_setting_table = SETTING_TABLE("smtp", S, rows);

static const char *const sender_checks[] = {
    [SMTP_SENDER_ENVELOPE] = "envelope", [SMTP_SENDER_HEADER] = "header", NULL};
static const char *const null_senders[] = {[SMTP_NULL_SENDER_REPORTS] = "reports",
                                           [SMTP_NULL_SENDER_REFUSE] = "refuse",
                                           [SMTP_NULL_SENDER_ANY] = "any",
                                           NULL};
#define LIMIT_MAX 1000000000
static const struct setting submission_rows[] = {
    COMMON,
    SETTING_FLAG(S, tls_required, true, R, "no login and no mail without TLS (RFC 8314)"),
    SETTING_CHOICE(S, sender_check, SMTP_SENDER_HEADER, sender_checks, R,
                   "whose addresses must be the account's: the envelope sender's, or those of the "
                   "From: field too"),
    SETTING_CHOICE(S, null_sender, SMTP_NULL_SENDER_REPORTS, null_senders, R,
                   "which mail may have an empty sender: receipts and other reports, none, any"),
    SETTING_FLAG(S, trace_user, false, R, "Received: tells who logged in"),
    SETTING_FLAG(S, trace_client, true, R, "Received: tells the client's name and address"),
    SETTING_DURATION(S, hold_max, 30 * 86400 * TIME_S, 0, 999999999 * TIME_S, R,
                     "longest time a mail is held for its sender (FUTURERELEASE); 0: not offered"),
    SETTING_NUMBER(S, priority_max, 9, 0, 9, R, "highest MT-PRIORITY; higher ones are lowered"),
    SETTING_NUMBER(S, messages_per_hour, 0, 0, LIMIT_MAX, R, "of one account; 0: no limit"),
    SETTING_NUMBER(S, messages_per_day, 0, 0, LIMIT_MAX, R, "of one account; 0: no limit"),
    SETTING_NUMBER(S, recipients_per_hour, 0, 0, LIMIT_MAX, R, "of one account; 0: no limit"),
    SETTING_NUMBER(S, recipients_per_day, 0, 0, LIMIT_MAX, R, "of one account; 0: no limit"),
    SETTING_DURATION(S, count_save_interval, 5 * TIME_S, 100 * TIME_MS, 3600 * TIME_S, 0,
                     "how often what accounts have sent is written down: what a crash may forget"),
};
const struct setting_table submission_setting_table =
    SETTING_TABLE("submission", S, submission_rows);
#undef S
