#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Section "smtp" of the configuration: mail coming in on port 25. All of it is obeyed after a
 * reload by sessions that begin then.
 */
#include "base/setting.h"

struct smtp_settings {
    size_t size_max; /* bytes */
    unsigned recipients_max;
    unsigned transactions_max;
    unsigned commands_max;
    unsigned errors_max;
    unsigned unknown_recipients_max;
    unsigned hops_max;
    int64_t command_timeout;  /* ns */
    int64_t data_timeout;     /* ns */
    int64_t message_timeout;  /* ns */
    int64_t delivery_timeout; /* ns */
    int64_t tls_timeout;      /* ns */
    int64_t greeting_delay;   /* ns; 0: none */
    bool tls_required;
};

extern const struct setting_table smtp_setting_table;
