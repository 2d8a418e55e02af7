/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "transport/deliver/settings.h"

#include "transport/deliver/remote.h"

static const char *const prefer_names[] = {"both", "ipv6", "ipv4", NULL};
static const char *const version_names[] = {"1.2", "1.3", NULL};

#define S struct remote_settings
#define R SETTING_RELOADABLE
#define M (60 * TIME_S)
#define H (60 * M)
static const struct setting rows[] = {
    SETTING_CHOICE(S, prefer, REMOTE_PREFER_BOTH, prefer_names, R,
                   "addresses of other servers: IPv6 and IPv4 in turn, or one kind first"),
    SETTING_TEXT(S, source_ipv4, "", R, "IPv4 address that connections come from"),
    SETTING_TEXT(S, source_ipv6, "", R, "IPv6 address that connections come from"),
    SETTING_DURATION(S, connect_timeout, REMOTE_CONNECT_TIMEOUT_S *TIME_S, TIME_MS, H, R,
                     "connecting to one address"),
    SETTING_DURATION(S, connect_first_timeout, 10 * TIME_S, TIME_MS, H, R,
                     "connecting to one address while others are left to try"),
    SETTING_DURATION(S, open_timeout, REMOTE_OPEN_TIMEOUT_S *TIME_S, TIME_MS, H, R,
                     "later no further address of a destination is tried"),
    SETTING_DURATION(S, greeting_timeout, 5 * M, TIME_MS, H, R, "waiting for the greeting"),
    SETTING_DURATION(S, helo_timeout, 5 * M, TIME_MS, H, R, "waiting for the answer to EHLO"),
    SETTING_DURATION(S, tls_timeout, M, TIME_MS, H, R, "a TLS handshake"),
    SETTING_DURATION(S, mail_timeout, 5 * M, TIME_MS, H, R, "waiting for the answer to MAIL"),
    SETTING_DURATION(S, rcpt_timeout, 5 * M, TIME_MS, H, R, "waiting for the answer to a RCPT"),
    SETTING_DURATION(S, data_timeout, 2 * M, TIME_MS, H, R, "waiting for the answer to DATA"),
    SETTING_DURATION(S, block_timeout, 3 * M, TIME_MS, H, R, "sending one piece of a message"),
    SETTING_DURATION(S, final_timeout, 10 * M, TIME_MS, H, R,
                     "waiting for the answer to a message"),
    SETTING_DURATION(S, message_timeout, H, TIME_MS, 24 * H, R, "sending one whole message"),
    SETTING_DURATION(S, quit_timeout, 2 * TIME_S, TIME_MS, H, R, "saying goodbye"),
    SETTING_BYTES(S, eager_size, 64 << 10, 0, 16 << 20, R,
                  "messages up to this size are sent with their envelope (CHUNKING)"),
    SETTING_FLAG(S, chunking, true, R, "use BDAT where it is offered"),
    SETTING_FLAG(S, pipelining, true, R, "use PIPELINING where it is offered"),
    SETTING_FLAG(S, clear_fallback, true, R,
                 "where TLS is optional and fails, deliver in clear text"),
    SETTING_FLAG(S, auth_clear, false, R, "send a smart host's password without TLS, too"),
    SETTING_CHOICE(S, tls_version_min, 0, version_names, 0, "oldest TLS spoken to other servers"),
};

const struct setting_table remote_setting_table = SETTING_TABLE("remote", S, rows);
