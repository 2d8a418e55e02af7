/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "data/directory/settings.h"

#include "base/time.h"

struct directory_settings directory_settings_default(void)
{
    return (struct directory_settings){
        .kind = DIRECTORY_SQLITE,
        .path = "/var/lib/ringmail/directory.sqlite",
        .hosts = {"localhost"},
        .host_count = 1,
        .user = "ringmail",
        .password = "",
        .database = "mailserver",
        .connections = 4,
        .connect_timeout_ns = 2 * TIME_S,
        .query_timeout_ns = 5 * TIME_S,
        /* Every column: message quota and home are optional ones that many databases lack. */
        .queries = {.domain = "SELECT name FROM virtual_domains WHERE name = ?",
                    .account = "SELECT * FROM virtual_users WHERE email = ?",
                    .alias = "SELECT source, destination FROM virtual_aliases WHERE source = ?"},
        .mail_home = "/var/vmail/%d/%n",
        .detail_separator = '+',
        .alias_depth_max = 20,
        .cache_entries = 16384,
        .cache_positive_ns = 60 * TIME_S,
        .cache_negative_ns = 10 * TIME_S,
        .cache_stale_ns = 0,
        .login_cache_ns = 300 * TIME_S,
    };
}
