#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One request and its answer, and the handlers that turn the one into the other.
 */
#include "format/http/request.h"
#include "service/admin/admin.h"

struct admin_exchange {
    const struct admin_options *options;
    struct http_request request;
    slice body;
    struct arena *arena;
    unsigned status; /* 200 unless a handler says otherwise */
    const char *content_type;
    struct buffer *answer;
    struct stream *stream; /* for a handler that answers without end, and then sets: */
    bool streamed;         /* everything was said; the connection ends */
};

/* WAIT. An error becomes 500 (503 for temporary trouble). */
typedef error admin_handler(struct admin_exchange *exchange);
admin_handler admin_page, admin_health, admin_metrics, admin_stats, admin_sessions, admin_config,
    admin_config_change, admin_reload, admin_invalidate, admin_queue, admin_queue_mails,
    admin_queue_mail, admin_queue_flush, admin_queue_hold, admin_queue_release, admin_queue_delete,
    admin_queue_bounce, admin_spam_check, admin_queue_sites, admin_events;
