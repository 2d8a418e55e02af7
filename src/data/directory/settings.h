#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The directory's settings (section "directory"; table in settings.c). Durations are nanoseconds.
 *
 * Queries may use %u (address), %n (local part) and %d (domain) in place of values, or ? for the
 * query's own key (the domain; the address; the alias's source). They are prepared, never pasted.
 * Columns are found by name.
 */
#include "base/setting.h"

#include <stdint.h>

enum directory_kind { DIRECTORY_SQLITE, DIRECTORY_MARIADB };

enum { DIRECTORY_HOSTS_MAX = 8 };

struct directory_settings {
    enum directory_kind backend;
    slice path; /* SQLite: the file */

    struct setting_list hosts; /* MariaDB: name, name:port, [v6]:port or /socket, best first */
    slice user;
    slice password;
    slice database;
    slice tls_ca;            /* empty: no TLS to the database */
    unsigned connections;    /* at most, per core */
    int64_t connect_timeout; /* per attempt */
    int64_t query_timeout;   /* a look-up: waiting for a connection and retries included */

    slice domain_query;  /* any row: the domain is ours */
    slice account_query; /* password; id, email, quota (bytes), quota_messages and home optional */
    slice alias_query;   /* destination: one or several, comma-separated; source optional */

    slice dkim_query;      /* selector, private_key; empty: keys are in files only */
    slice identity_query;  /* sender: an address or @domain the account may write as; empty: none */
    slice transport_query; /* transport: where mail for the domain goes; empty: nobody asks */

    slice mail_home;          /* of an account whose row names none */
    slice detail_separator;   /* one character, or empty: no details */
    slice default_domain;     /* for addresses and logins without one; empty: none */
    unsigned alias_depth_max; /* alias of alias of ... */

    unsigned cache_entries; /* per core, for what exists; as many again for what does not */
    int64_t cache_positive; /* how long a found row is believed; 0: not at all */
    int64_t cache_negative; /* how long an absence is believed */
    int64_t cache_stale;    /* how much longer a found row serves while the database is away */
    int64_t login_cache;    /* how long a verified password is remembered (keyed hash); 0: never */
};

extern const struct setting_table directory_setting_table;
