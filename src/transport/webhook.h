#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Events told to other programs: HTTP POST of a JSON array of events (transport/event_sink.h), in
 * the manner of Standard Webhooks:
 *
 *     webhook-id: msg_...            the same for every attempt at one request
 *     webhook-timestamp: 1795341605  seconds since 1970, of this attempt
 *     webhook-signature: v1,BASE64   HMAC-SHA256 over "id.timestamp.body" with webhook.secret: the
 *                                    bytes that follow "whsec_" in base64, or the text as it is
 *
 * Any 2xx is success; 410 drops the request (the receiver wants no more of it); all else is tried
 * again with growing pauses until its events are older than webhook.give_up_after. One request at a
 * time for each url, so that events of one core, and so of one mail, stay in order.
 *
 * Every event lies in the url's log (webhook_log.h) until it was taken, so that a restart, a crash
 * or a receiver that is down for hours loses none of them. An event may come twice: again with the
 * same "id", in the same request (the same webhook-id) or, after a restart, in another. A dead
 * receiver costs webhook.disk_max of disk and nothing else. Each url lives on one core, the urls in
 * turn on all of them.
 */
#include "base/error.h"
#include "base/time.h"
#include "transport/webhook_settings.h"

enum webhook_limits {
    WEBHOOK_BODY_SIZE_MAX = 1 << 20, /* of a request; one event is always taken */
    WEBHOOK_WRITE_PAUSE_MS = 20,     /* between writes: what comes meanwhile goes together */
    WEBHOOK_DISK_PAUSE_MS = 1000,    /* after one that the disk refused */
};

struct webhook_options {
    const struct webhook_settings *settings; /* borrowed until webhook_stop */
    const char *authority;                   /* PEM file; NULL: the system's */
    const char *path;                        /* directory of the logs; made where there is none */
};

/* WAIT. By the server's boss, on one core's fiber while all cores run; the resolver runs. Stopping
 * lets a receiver that answers have what waits, until the deadline; the rest lies on disk then.
 * ERROR_BUSY: another server has the directory. */
error webhook_start(const struct webhook_options *options);
void webhook_stop(instant deadline);
