/* SPDX-License-Identifier: GPL-3.0-or-later
 * RCPT (RFC 5321 4.1.1.3): whom the mail is for, and whether we take it.
 */
#include "base/metric.h"
#include "data/store/delivery.h"
#include "service/smtp/answer.h"
#include "service/smtp/command.h"

METRIC_COUNTER(accepted_total, "ringmail_smtp_recipients_total", "result=\"accepted\"",
               "Recipients by result");
METRIC_COUNTER(unknown_total, "ringmail_smtp_recipients_total", "result=\"unknown\"",
               "Recipients by result");
METRIC_COUNTER(relay_total, "ringmail_smtp_recipients_total", "result=\"relay\"",
               "Recipients by result");
METRIC_COUNTER(later_total, "ringmail_smtp_recipients_total", "result=\"later\"",
               "Recipients by result");
METRIC_HISTOGRAM(resolve_time, "ringmail_smtp_recipient_seconds", "",
                 "Finding a recipient's mailboxes");

static enum smtp_reply reply_to_answer(enum directory_answer answer)
{
    switch (answer) {
    case DIRECTORY_FOUND:
        return SMTP_REPLY_NONE;
    case DIRECTORY_NOT_OURS:
        return SMTP_REPLY_NO_RELAY;
    case DIRECTORY_ALIAS_LOOP:
        return SMTP_REPLY_ALIAS_LOOP;
    default:
        return SMTP_REPLY_UNKNOWN_RECIPIENT;
    }
}

/* Room for what MAIL announced? Asked only where there is a quota: it costs a hop to the home core.
 */
static enum smtp_reply check_room(const struct directory_account *account, uint64_t size)
{
    if (!account->quota_bytes && !account->quota_messages)
        return SMTP_REPLY_NONE;
    if (account->quota_bytes && size > account->quota_bytes)
        return SMTP_REPLY_MAILBOX_TOO_SMALL; /* it never will: 552 */
    const struct store_account_key key = {.id = account->address,
                                          .path = slice_from_string(account->maildir),
                                          .quota_bytes = account->quota_bytes,
                                          .quota_messages = account->quota_messages};
    return smtp_reply_for_store(store_quota_check(&key, size ? size : 1));
}

static enum smtp_reply check_targets(const struct directory_resolution *resolution, uint64_t size)
{
    for (unsigned i = 0; i < resolution->count; i++) {
        const struct directory_target *target = &resolution->targets[i];
        if (target->outside) /* until there is a queue for mail that goes out */
            return SMTP_REPLY_NOT_YET_OUTSIDE;
        enum smtp_reply reply = check_room(&target->account, size);
        if (reply != SMTP_REPLY_NONE)
            return reply;
    }
    return SMTP_REPLY_NONE;
}

/* WAITS. RFC 5321 4.5.1: Postmaster without a domain is the default domain's. */
static enum smtp_reply admit(struct smtp_session *s, const struct smtp_rcpt *rcpt)
{
    struct smtp_transaction *t = &s->transaction;
    struct directory_resolution resolution;
    if (t->recipient_count >= s->settings->recipients_max)
        return SMTP_REPLY_TOO_MANY_RECIPIENTS; /* RFC 5321 4.5.3.1.10 */
    error problem =
        directory_resolve(directory_here(), rcpt->recipient.address, &t->arena, &resolution);
    enum smtp_reply reply = smtp_reply_for_directory(problem);
    if (reply == SMTP_REPLY_NONE)
        reply = reply_to_answer(resolution.answer);
    if (reply == SMTP_REPLY_NONE)
        reply = check_targets(&resolution, t->mail.size);
    if (reply == SMTP_REPLY_NONE && failed(smtp_transaction_add(t, rcpt, &resolution)))
        reply = SMTP_REPLY_TOO_MANY_RECIPIENTS;
    return reply;
}

error smtp_command_rcpt(struct smtp_session *s, const struct smtp_command *command)
{
    if (!s->transaction.open)
        return smtp_answer(s, SMTP_REPLY_MAIL_FIRST);
    instant began = time_now();
    enum smtp_reply reply = admit(s, &command->rcpt);
    metric_observe(&resolve_time, (uint64_t)(time_now() - began));
    if (reply == SMTP_REPLY_NONE) {
        metric_add(&accepted_total, 1);
        return smtp_answer(s, SMTP_REPLY_RECIPIENT_OK);
    }
    bool permanent = smtp_reply_row(reply)->code >= 500;
    metric_add(reply == SMTP_REPLY_NO_RELAY ? &relay_total
               : permanent                  ? &unknown_total
                                            : &later_total,
               1);
    s->transaction.recipients_refused++;
    s->unknown_recipients += permanent;
    return smtp_answer(s, reply);
}
