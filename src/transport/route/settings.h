#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Section "route" of the configuration.
 */
#include "base/setting.h"
#include "transport/route/route.h"

struct route_settings {
    unsigned port;
    struct setting_list transports;   /* "pattern=transport" */
    struct setting_list tls_policies; /* "pattern=level" */
    enum route_tls tls;               /* where no policy says more */
    slice smart_host;                 /* a transport; empty: by MX */
    enum route_tls smart_host_tls;
    slice user, password; /* smart host's login */
    bool dane;
    bool mta_sts;
    unsigned sts_port;
    int64_t sts_timeout;               /* ns: of fetching one policy */
    int64_t sts_refresh;               /* ns: known policies are asked for again */
    unsigned sts_policies_max;         /* remembered per core */
    const char *state_path;            /* empty: store.path/route */
    struct setting_list own_addresses; /* beside those of the machine */
    bool private_addresses;
    bool ipv6;
};

extern const struct setting_table route_setting_table;
