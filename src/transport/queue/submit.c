/* SPDX-License-Identifier: GPL-3.0-or-later
 * Mail comes into the queue. */
#include "transport/event.h"
#include "transport/queue/keep.h"
#include "transport/queue/schedule.h"

#include "base/metric.h"

METRIC_COUNTER(submitted, "ringmail_queue_submitted_total", "", "Mails taken into the queue");

static void tell(const struct queue_mail *mail)
{
    for (uint32_t i = 0; i < mail->recipient_count; i++)
        transport_event(&(struct transport_event){
            .kind = TRANSPORT_ACCEPTED,
            .id = mail->id,
            .time = mail->arrived,
            .account = queue_mail_text(mail, mail->account),
            .sender = queue_mail_text(mail, mail->sender),
            .recipient = queue_mail_text(mail, mail->recipients[i].address),
            .size = mail->content->size + mail->prefix.size,
        });
}

error queue_submit(struct queue_submission *submission)
{
    struct queue_mail *mails[QUEUE_ENVELOPES_MAX];
    TRY(queue_keep_add(submission, mails));
    metric_add(&submitted, submission->count);
    for (unsigned i = 0; i < submission->count; i++) {
        tell(mails[i]);
        queue_schedule_add(mails[i]);
    }
    return OK;
}
