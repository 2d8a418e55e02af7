#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One signed POST to a webhook's receiver (webhook.h says in which manner). Bounds:
 * WEBHOOK_ANSWER_SIZE_MAX of the answer, `timeout` for all of it.
 */
#include "base/buffer.h"
#include "base/error.h"

struct tls_client;

enum {
    WEBHOOK_ANSWER_SIZE_MAX = 64 << 10, /* read of what a receiver says; only its status counts */
};

/* Borrowed while it is sent. */
struct webhook_request {
    slice url, id, body;
    slice secret;           /* empty: it is not signed */
    struct tls_client *tls; /* for https */
    int64_t timeout;        /* ns */
};

/* WAITS. OK: a 2xx was answered. *out_status: what was; 0: nothing. */
error webhook_request_send(const struct webhook_request *request, unsigned *out_status);

/* The signature of one request: "v1," and base64 into `out`. Pure; ERROR_MALFORMED: "whsec_" with
 * something else than base64. */
error webhook_sign(slice secret, slice id, slice timestamp, slice body, struct buffer *out);
