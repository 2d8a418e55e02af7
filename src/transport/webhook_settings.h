#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Section "webhook" of the configuration.
 */
#include "base/setting.h"

enum { WEBHOOK_URLS_MAX = 16 };

struct webhook_settings {
    struct setting_list urls;
    struct setting_list events; /* "mail.bounced"; empty: all */
    slice secret;               /* "whsec_" and base64, or any text; empty: nothing is signed */
    int64_t timeout;            /* ns: one request */
    int64_t linger;             /* ns: more events are waited for before a request */
    int64_t retry_min;          /* ns */
    int64_t retry_max;          /* ns */
    int64_t give_up_after;      /* ns: an event that is older is dropped */
    unsigned events_per_request;
    size_t memory_max;     /* bytes of events waiting for the disk, for one url */
    size_t disk_max;       /* bytes of files of events waiting for one url */
    int64_t sync_interval; /* ns: a power cut takes the events of so long; 0: never synced */
};

extern const struct setting_table webhook_setting_table;

/* The bits 1 << enum transport_event_kind that `events` names; false where one is no event. */
bool webhook_events_parse(const struct setting_list *events, unsigned *out_kinds);
/* Can it sign? Not where "whsec_" is followed by something else than base64. */
bool webhook_secret_is_valid(slice secret);
