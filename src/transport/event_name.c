/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "transport/event_sink.h"

static const char *const names[TRANSPORT_EVENTS] = {
    [TRANSPORT_ACCEPTED] = "mail.accepted",   [TRANSPORT_DELIVERED] = "mail.delivered",
    [TRANSPORT_DEFERRED] = "mail.deferred",   [TRANSPORT_BOUNCED] = "mail.bounced",
    [TRANSPORT_COMPLAINT] = "mail.complaint", [TRANSPORT_REPORTED] = "mail.reported",
    [TRANSPORT_LIMITED] = "account.limited",
};

const char *transport_event_name(enum transport_event_kind kind)
{
    return names[kind];
}

bool transport_event_parse(slice name, enum transport_event_kind *out_kind)
{
    for (unsigned i = 0; i < TRANSPORT_EVENTS; i++) {
        if (slice_equal(name, slice_from_string(names[i]))) {
            *out_kind = (enum transport_event_kind)i;
            return true;
        }
    }
    return false;
}
