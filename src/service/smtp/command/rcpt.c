/* SPDX-License-Identifier: GPL-3.0-or-later
 * RCPT (RFC 5321 4.1.1.3): whom the mail is for, and whether we take it.
 */
#include "base/metric.h"
#include "data/store/delivery.h"
#include "service/smtp/answer.h"
#include "service/smtp/command.h"
#include "service/smtp/submitted.h"
#include "transport/deliver/local.h"
#include "transport/forward.h"
#include "transport/route/route.h"

#include <stdio.h>

METRIC_COUNTER(accepted_total, "ringmail_smtp_recipients_total", "result=\"accepted\"",
               "Recipients by result");
METRIC_COUNTER(unknown_total, "ringmail_smtp_recipients_total", "result=\"unknown\"",
               "Recipients by result");
METRIC_COUNTER(relay_total, "ringmail_smtp_recipients_total", "result=\"relay\"",
               "Recipients by result");
METRIC_COUNTER(refused_total, "ringmail_smtp_recipients_total", "result=\"refused\"",
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
    const struct store_account_key key = deliver_account_key(account);
    return smtp_reply_for_store(store_quota_check(&key, size ? size : 1));
}

/* An address elsewhere in the form that the queue wants. */
static enum smtp_reply check_outside(struct smtp_transaction *t, struct directory_target *target)
{
    struct smtp_path path;
    error problem = smtp_path_parse(&t->arena, target->address, &path);
    if (problem.kind == ERROR_MALFORMED) /* somebody must mend the alias; mail waits meanwhile */
        return SMTP_REPLY_ALIAS_BROKEN;
    target->address = path.address;
    return smtp_reply_for_memory(problem);
}

/* A transport that refuses the domain does so here, in its own words, and not by a bounce. */
static enum smtp_reply check_transport(struct smtp_transaction *t, slice address,
                                       struct route *out_refusal)
{
    slice local, domain;
    bool refused;
    slice_cut_last(address, '@', &local, &domain);
    error problem = route_refuses(domain, &t->arena, out_refusal, &refused);
    return failed(problem) ? smtp_reply_for_memory(problem)
           : refused       ? SMTP_REPLY_TRANSPORT_REFUSES
                           : SMTP_REPLY_NONE;
}

static enum smtp_reply check_targets(struct smtp_transaction *t,
                                     const struct directory_resolution *resolution,
                                     struct route *out_refusal)
{
    enum smtp_reply reply = SMTP_REPLY_NONE;
    for (unsigned i = 0; i < resolution->count && reply == SMTP_REPLY_NONE; i++) {
        struct directory_target *target = &resolution->targets[i];
        reply =
            target->outside ? check_outside(t, target) : check_room(&target->account, t->mail.size);
    }
    if (reply == SMTP_REPLY_NONE && resolution->count == 1 && resolution->targets->outside)
        reply = check_transport(t, resolution->targets->address, out_refusal);
    return reply; /* of several targets one is no reason to refuse the others */
}

/* A bounce of mail that we forwarded comes to the address we made of its sender. */
static enum smtp_reply undo_forwarding(struct smtp_session *s, slice *address)
{
    error problem = forward_original(*address, &s->transaction.arena, address);
    switch (problem.kind) {
    case ERROR_NONE:
    case ERROR_NOT_FOUND: /* some other address */
        return SMTP_REPLY_NONE;
    case ERROR_DENIED:
        return SMTP_REPLY_BOUNCE_ADDRESS_FORGED;
    default:
        return smtp_reply_for_directory(problem);
    }
}

/* WAITS. Where mail for the address goes; strangers' only for us, our accounts' and bounces'
 * anywhere. RFC 5321 4.5.1: Postmaster without a domain is the default domain's. */
static enum smtp_reply resolve(struct smtp_session *s, slice address, bool anywhere,
                               struct directory_resolution *resolution)
{
    struct arena *arena = &s->transaction.arena;
    error problem = directory_resolve(directory_here(), address, arena, resolution);
    if (failed(problem))
        return smtp_reply_for_directory(problem);
    if (resolution->answer != DIRECTORY_NOT_OURS || !anywhere)
        return reply_to_answer(resolution->answer);
    if (slice_find_byte(address, '@') < 0)
        return SMTP_REPLY_UNKNOWN_RECIPIENT; /* <postmaster>, and no domain is the default */
    struct directory_target *target = ARENA_NEW(arena, struct directory_target);
    if (!target)
        return SMTP_REPLY_OUT_OF_MEMORY;
    *target = (struct directory_target){.outside = true, .address = address};
    *resolution =
        (struct directory_resolution){.answer = DIRECTORY_FOUND, .count = 1, .targets = target};
    return SMTP_REPLY_NONE;
}

/* One recipient more, as far as numbers go. */
static enum smtp_reply check_count(struct smtp_session *s)
{
    struct smtp_transaction *t = &s->transaction;
    if (t->recipient_count >= s->settings->recipients_max)
        return SMTP_REPLY_TOO_MANY_RECIPIENTS; /* RFC 5321 4.5.3.1.10 */
    if (t->recipient_count < t->recipients_left)
        return SMTP_REPLY_NONE;
    smtp_submitted_limit_met(s, t->mail.sender.address, !t->limit_told);
    t->limit_told = true;
    return smtp_submitted_limit_reply(s, t->recipient_count + 1);
}

/* WAITS. *out_refusal: what to say where the reply is TRANSPORT_REFUSES. */
static enum smtp_reply admit(struct smtp_session *s, const struct smtp_rcpt *rcpt,
                             struct route *out_refusal)
{
    struct smtp_transaction *t = &s->transaction;
    struct directory_resolution resolution;
    slice address = rcpt->recipient.address;
    enum smtp_reply reply = check_count(s);
    if (reply == SMTP_REPLY_NONE)
        reply = undo_forwarding(s, &address);
    bool anywhere = smtp_session_is_submission(s) || address.data != rcpt->recipient.address.data;
    if (reply == SMTP_REPLY_NONE)
        reply = resolve(s, address, anywhere, &resolution);
    if (reply == SMTP_REPLY_NONE)
        reply = check_targets(t, &resolution, out_refusal);
    if (reply == SMTP_REPLY_NONE && failed(smtp_transaction_add(t, rcpt, &resolution)))
        reply = SMTP_REPLY_TOO_MANY_RECIPIENTS;
    return reply;
}

static void count_refused(enum smtp_reply reply, bool permanent)
{
    metric_add(reply == SMTP_REPLY_NO_RELAY            ? &relay_total
               : reply == SMTP_REPLY_TRANSPORT_REFUSES ? &refused_total
               : permanent                             ? &unknown_total
                                                       : &later_total,
               1);
}

static error answer_refusal(struct smtp_session *s, const struct route *refusal)
{
    char status[16];
    snprintf(status, sizeof status, "%d.%d.%d", refusal->enhanced[0], refusal->enhanced[1],
             refusal->enhanced[2]);
    return smtp_answer_lines(s, refusal->code, status, refusal->text);
}

error smtp_command_rcpt(struct smtp_session *s, const struct smtp_command *command)
{
    if (!s->transaction.open)
        return smtp_answer(s, SMTP_REPLY_MAIL_FIRST);
    struct route refusal;
    instant began = time_now();
    enum smtp_reply reply = admit(s, &command->rcpt, &refusal);
    metric_observe(&resolve_time, (uint64_t)(time_now() - began));
    if (reply == SMTP_REPLY_NONE) {
        metric_add(&accepted_total, 1);
        if (s->transaction.recipient_count == 1 && !smtp_session_is_submission(s))
            smtp_authentication_expect(s);
        return smtp_answer(s, SMTP_REPLY_RECIPIENT_OK);
    }
    bool permanent = smtp_reply_row(reply)->code >= 500;
    count_refused(reply, permanent);
    s->transaction.recipients_refused++;
    s->unknown_recipients += permanent;
    return reply == SMTP_REPLY_TRANSPORT_REFUSES ? answer_refusal(s, &refusal)
                                                 : smtp_answer(s, reply);
}
