/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "transport/webhook_settings.h"

#include "format/text/base64.h"
#include "transport/event_sink.h"

#define S struct webhook_settings
static const struct setting rows[] = {
    SETTING_LIST(S, urls, "", 0, "http:// or https:// addresses that are told of events"),
    SETTING_LIST(S, events, "", 0,
                 "mail.accepted, mail.delivered, mail.deferred, mail.bounced, mail.complaint, "
                 "mail.reported, account.limited; empty: all of them"),
    SETTING_TEXT(S, secret, "", SETTING_SECRET,
                 "signs each request (HMAC-SHA256); \"whsec_\" with base64, or any text"),
    SETTING_DURATION(S, timeout, 15 * TIME_S, 100 * TIME_MS, 300 * TIME_S, 0, "of one request"),
    SETTING_DURATION(S, linger, 200 * TIME_MS, 0, 60 * TIME_S, 0,
                     "a request waits so long for more events"),
    SETTING_DURATION(S, retry_min, TIME_S, 10 * TIME_MS, 3600 * TIME_S, 0,
                     "the pause after a first failure; it doubles with each further one"),
    SETTING_DURATION(S, retry_max, 300 * TIME_S, 10 * TIME_MS, 86400 * TIME_S, 0,
                     "the longest pause"),
    SETTING_DURATION(S, give_up_after, 86400 * TIME_S, 0, 30 * 86400 * TIME_S, 0,
                     "an event that nobody took for so long is dropped"),
    SETTING_NUMBER(S, events_per_request, 100, 1, 1000, 0, "at most"),
    SETTING_BYTES(S, memory_max, 16 << 20, 64 << 10, 1 << 30, 0,
                  "events waiting for the disk, for one address; beyond it the oldest are dropped"),
    SETTING_BYTES(S, disk_max, 256 << 20, 8 << 20, 1LL << 40, 0,
                  "files of events waiting for one address; beyond it the oldest are dropped"),
    SETTING_DURATION(S, sync_interval, TIME_S, 0, 3600 * TIME_S, 0,
                     "how often waiting events are made durable: what a power cut may take; 0: "
                     "never"),
};
#undef S

const struct setting_table webhook_setting_table =
    SETTING_TABLE("webhook", struct webhook_settings, rows);

bool webhook_events_parse(const struct setting_list *events, unsigned *out_kinds)
{
    unsigned kinds = 0;
    for (size_t i = 0; i < events->count; i++) {
        enum transport_event_kind kind;
        if (!transport_event_parse(events->items[i], &kind))
            return false;
        kinds |= 1U << kind;
    }
    *out_kinds = events->count > 0 ? kinds : (1U << TRANSPORT_EVENTS) - 1;
    return true;
}

bool webhook_secret_is_valid(slice secret)
{
    struct arena arena;
    slice key = secret;
    if (!slice_starts(secret, SLICE("whsec_")))
        return true;
    arena_init(&arena, 2 * SETTING_TEXT_SIZE_MAX);
    bool valid = !failed(base64_decode(&arena, slice_from(secret, sizeof "whsec_" - 1), &key)) &&
                 key.size > 0;
    arena_close(&arena);
    return valid;
}
