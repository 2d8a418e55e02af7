/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/smtp/transaction.h"

#include "service/smtp/limits.h"

void smtp_transaction_init(struct smtp_transaction *t)
{
    *t = (struct smtp_transaction){0};
    arena_init(&t->arena, SMTP_TRANSACTION_MEMORY_MAX);
    map_init(&t->target_map);
    body_init(&t->body, 0);
}

void smtp_transaction_reset(struct smtp_transaction *t)
{
    body_close(&t->body);
    map_close(&t->target_map);
    arena_release(&t->arena);
    smtp_transaction_init(t);
}

/* The command's views end with the command. */
static error copy_mail(struct arena *arena, struct smtp_mail *mail)
{
    slice *const texts[] = {&mail->sender.local,   &mail->sender.domain, &mail->sender.domain_ascii,
                            &mail->sender.address, &mail->envid,         &mail->auth};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (texts[i]->data)
            TRY(arena_copy(arena, *texts[i], texts[i]));
    return OK;
}

error smtp_transaction_begin(struct smtp_transaction *t, const struct smtp_mail *mail)
{
    t->mail = *mail;
    TRY(copy_mail(&t->arena, &t->mail));
    t->open = true;
    t->began = time_now();
    t->began_seconds = time_wall_seconds();
    return OK;
}

static error add_target(struct smtp_transaction *t, const struct smtp_recipient *recipient,
                        const struct directory_target *found)
{
    slice address = found->outside ? found->address : found->account.address;
    if (map_get(&t->target_map, address))
        return OK;
    struct smtp_target *target = ARENA_NEW(&t->arena, struct smtp_target);
    TRY_MEMORY(target);
    target->recipient = recipient;
    target->account = found->outside ? NULL : &found->account;
    target->address = address;
    target->detail = found->detail;
    target->extended = found->outside || found->extended.size == 0 ? address : found->extended;
    TRY(map_put(&t->target_map, address, target));
    *(t->last_target ? &t->last_target->next : &t->targets) = target;
    t->last_target = target;
    t->target_count += !found->outside;
    t->outside_count += found->outside;
    return OK;
}

error smtp_transaction_add(struct smtp_transaction *t, const struct smtp_rcpt *rcpt,
                           const struct directory_resolution *resolution)
{
    if (resolution->count > SMTP_TARGETS_MAX - t->target_count - t->outside_count)
        return error_make(ERROR_LIMIT, "too many mailboxes for one message");
    struct smtp_recipient *recipient = ARENA_NEW(&t->arena, struct smtp_recipient);
    TRY_MEMORY(recipient);
    recipient->notify = rcpt->notify;
    TRY(arena_copy(&t->arena, rcpt->recipient.address, &recipient->address));
    TRY(arena_copy(&t->arena, rcpt->orcpt_type, &recipient->orcpt_type));
    TRY(arena_copy(&t->arena, rcpt->orcpt_address, &recipient->orcpt_address));
    for (unsigned i = 0; i < resolution->count; i++)
        TRY(add_target(t, recipient, &resolution->targets[i]));
    *(t->last_recipient ? &t->last_recipient->next : &t->recipients) = recipient;
    t->last_recipient = recipient;
    t->recipient_count++;
    t->report_success |= (rcpt->notify & SMTP_NOTIFY_SUCCESS) != 0;
    return OK;
}

int64_t smtp_transaction_hold_until(const struct smtp_transaction *t)
{
    return t->mail.hold_seconds ? t->began_seconds + t->mail.hold_seconds : t->mail.hold_until;
}
