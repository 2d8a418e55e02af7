/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "transport/route/settings.h"

static const char *const levels[] = {
    [ROUTE_TLS_NONE] = "none",
    [ROUTE_TLS_MAY] = "may",
    [ROUTE_TLS_ENCRYPT] = "encrypt",
    [ROUTE_TLS_VERIFY] = "verify",
    NULL,
};

#define S struct route_settings
static const struct setting rows[] = {
    SETTING_NUMBER(S, port, 25, 1, 65535, 0, "of other servers, where no transport names one"),
    SETTING_LIST(
        S, transports, "", 0,
        "exceptions to MX: \"example.net=smtp:[192.0.2.1]:25\", \".example.net=...\" (what "
        "lies below), \"lmtp:unix:/run/x\", \"lmtp:host:24\", \"error:5.7.1 text\", "
        "\"retry:4.3.0 text\", \"local:\", \"smtp:\" (its MX after all), "
        "\"*=smtp:[relay]:587\"; brackets: no MX"),
    SETTING_LIST(S, tls_policies, "", 0,
                 "\"example.net=verify\", \".example.net=encrypt\": none, may, encrypt, verify; "
                 "in place of MTA-STS; \"*=encrypt\" (everybody) beside it"),
    SETTING_CHOICE(S, tls, ROUTE_TLS_MAY, levels, 0,
                   "for everybody else: may: any TLS that is offered; encrypt: TLS or not at all; "
                   "verify: with a good certificate"),
    SETTING_TEXT(S, smart_host, "", 0,
                 "gets all mail that is for others: \"[relay.example.net]:587\", \"smtps:[...]\""),
    SETTING_CHOICE(S, smart_host_tls, ROUTE_TLS_MAY, levels, 0,
                   "of the smart host; with a user at least encrypt"),
    SETTING_TEXT(S, user, "", 0, "name to log in with at the smart host; empty: no login"),
    SETTING_TEXT(S, password, "", SETTING_SECRET, "and its password"),
    SETTING_FLAG(S, dane, true, 0, "obey TLSA records; only with dns.trust_authentic"),
    SETTING_FLAG(S, mta_sts, true, 0, "obey policies of MTA-STS"),
    SETTING_NUMBER(S, sts_port, 443, 1, 65535, 0, "where MTA-STS policies are fetched: for tests"),
    SETTING_DURATION(S, sts_timeout, 60 * TIME_S, 100 * TIME_MS, 300 * TIME_S, 0,
                     "for fetching one policy"),
    SETTING_DURATION(S, sts_refresh, 86400 * TIME_S, TIME_S, 7 * 86400 * TIME_S, 0,
                     "policies are fetched again after so long, or after half of their life"),
    SETTING_NUMBER(S, sts_policies_max, 10000, 1, 10000000, 0,
                   "MTA-STS policies remembered, per core"),
    SETTING_PATH(S, state_path, "", 0, "where policies survive a restart; empty: store.path/route"),
    SETTING_LIST(S, own_addresses, "", 0,
                 "public IP addresses that lead to this machine but are not its own (NAT, a load "
                 "balancer): an MX there is ourselves"),
    SETTING_FLAG(S, private_addresses, false, 0,
                 "MX records and address literals may lead to loopback and private addresses"),
    SETTING_FLAG(S, ipv6, true, 0, "use IPv6 addresses of other servers"),
};
const struct setting_table route_setting_table = SETTING_TABLE("route", S, rows);
#undef S
