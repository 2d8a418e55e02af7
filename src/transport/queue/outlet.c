/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What deliveries send on becomes mail of the queue.
 */
#include "transport/queue/outlet.h"

#include "base/utf8.h"
#include "format/text/idna.h"
#include "transport/queue/keep.h"
#include "transport/queue/queue.h"

enum { ADDRESS_MEMORY = 16 << 10 };

/* The queue wants A-labels; what defies that stays and fails at its destination. */
static slice in_a_labels(slice address, struct arena *arena)
{
    slice local, domain, ascii, joined;
    if (utf8_is_ascii(address) || !slice_cut_last(address, '@', &local, &domain) ||
        failed(idna_to_ascii(arena, domain, &ascii)) ||
        failed(arena_format(arena, &joined, "%.*s@%.*s", SLICE_ARG(local), SLICE_ARG(ascii))))
        return address;
    return joined;
}

static error submit(const struct outlet_mail *mail, struct arena *arena)
{
    const struct queue_recipient recipient = {
        .address = in_a_labels(mail->recipient, arena),
        .final = mail->final,
        .notify = mail->silent ? SMTP_NOTIFY_NEVER : SMTP_NOTIFY_UNSAID,
    };
    struct queue_envelope envelope = {
        .sender = mail->sender,
        .prefix = mail->prefix,
        .recipients = &recipient,
        .recipient_count = 1,
        .body = utf8_is_ascii(mail->message) ? SMTP_BODY_7BIT : SMTP_BODY_8BITMIME,
        .utf8 = !utf8_is_ascii(recipient.address) || !utf8_is_ascii(mail->sender),
        .origin = mail->origin,
    };
    struct body body;
    struct queue_submission submission = {.envelopes = &envelope, .count = 1, .body = &body};
    body_init(&body, mail->message.size);
    error problem = body_append(&body, mail->message);
    if (!failed(problem))
        problem = queue_submit(&submission);
    body_close(&body);
    return problem;
}

static error take(const struct outlet_mail *mail)
{
    struct arena arena;
    arena_init(&arena, ADDRESS_MEMORY);
    error problem = submit(mail, &arena);
    arena_close(&arena);
    return problem;
}

void queue_open_outlet(void)
{
    outlet_set(take);
}
