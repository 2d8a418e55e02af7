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

static unsigned notify_of(const struct outlet_mail *mail)
{
    static const struct {
        slice name;
        unsigned bit;
    } words[] = {{{"NEVER", 5}, SMTP_NOTIFY_NEVER},
                 {{"SUCCESS", 7}, SMTP_NOTIFY_SUCCESS},
                 {{"FAILURE", 7}, SMTP_NOTIFY_FAILURE},
                 {{"DELAY", 5}, SMTP_NOTIFY_DELAY}};
    unsigned notify = mail->silent ? SMTP_NOTIFY_NEVER : SMTP_NOTIFY_UNSAID;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (slice_find_nocase(mail->notify, words[i].name) >= 0)
            notify |= words[i].bit;
    return notify;
}

static error submit(const struct outlet_mail *mail, struct arena *arena)
{
    const struct queue_recipient recipient = {
        .address = in_a_labels(mail->recipient, arena),
        .final = mail->final,
        .notify = notify_of(mail),
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
