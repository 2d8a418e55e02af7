#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What happens to mail on its way out, for whoever wants to know: the webhooks today. An event is
 * copied; telling one never waits and never fails.
 */
#include "base/slice.h"

#include <stdint.h>

enum transport_event_kind {
    TRANSPORT_ACCEPTED,  /* into the queue */
    TRANSPORT_DELIVERED, /* one recipient: the next server, or the mailbox, has it */
    TRANSPORT_DEFERRED,  /* one recipient: tried in vain, will be tried again */
    TRANSPORT_BOUNCED,   /* one recipient: given up */
    TRANSPORT_COMPLAINT, /* a feedback report came in (RFC 5965) */
    TRANSPORT_REPORTED,  /* a bounce of another server came in for mail of ours */
    TRANSPORT_LIMITED,   /* an account met its sending limit */
    TRANSPORT_EVENTS
};

struct transport_event {
    enum transport_event_kind kind;
    uint64_t id;  /* of the queued mail; 0: none */
    int64_t time; /* seconds since 1970 */
    slice account, sender, recipient;
    slice host; /* who answered; empty: nobody */
    int code;   /* 0: none */
    int enhanced[3];
    slice text;
    uint64_t size; /* of the message, bytes */
    unsigned attempts;
};

void transport_event(const struct transport_event *event);
