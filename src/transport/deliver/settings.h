#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Section "remote" of the configuration: how mail is handed to other servers.
 */
#include "base/setting.h"

#include <stdint.h>

enum remote_prefer {
    REMOTE_PREFER_BOTH, /* IPv6 and IPv4 in turn (RFC 8305 4), IPv6 first */
    REMOTE_PREFER_IPV6, /* IPv4 only where no IPv6 address answers */
    REMOTE_PREFER_IPV4,
};

struct remote_settings {
    int prefer;                    /* enum remote_prefer */
    slice source_ipv4;             /* empty: the kernel's choice */
    slice source_ipv6;             /* " */
    int64_t connect_timeout;       /* ns, one address */
    int64_t connect_first_timeout; /* ns, one address while others are left to try */
    int64_t open_timeout;          /* ns; later no further address is tried */
    int64_t greeting_timeout;      /* ns; these are RFC 5321 4.5.3.2's */
    int64_t helo_timeout;          /* ns */
    int64_t tls_timeout;           /* ns */
    int64_t mail_timeout;          /* ns */
    int64_t rcpt_timeout;          /* ns */
    int64_t data_timeout;          /* ns: the answer to DATA */
    int64_t block_timeout;         /* ns: sending one piece of the message */
    int64_t final_timeout;         /* ns: the answer to the message */
    int64_t message_timeout;       /* ns: sending one whole message */
    int64_t quit_timeout;          /* ns */
    size_t eager_size;             /* bytes */
    bool chunking;
    bool pipelining;
    bool clear_fallback;
    bool auth_clear;
    int tls_version_min; /* enum tls_version */
};

extern const struct setting_table remote_setting_table;
