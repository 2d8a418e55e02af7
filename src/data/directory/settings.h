#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The directory's settings. Strings are borrowed and live as long as the settings. Durations are
 * nanoseconds.
 */
#include "base/slice.h"

#include <stdint.h>

enum directory_kind { DIRECTORY_SQLITE, DIRECTORY_MARIADB };

enum { DIRECTORY_HOSTS_MAX = 8 };

/* Queries may use %u (address), %n (local part) and %d (domain) in place of values, or ? for the
 * query's own key (the domain; the address; the alias source). They are prepared, never pasted.
 * Columns are found by name. */
struct directory_queries {
    const char *domain;  /* any row: the domain is ours */
    const char *account; /* id, email, password, quota (bytes), quota_messages, home: all but
                            password optional */
    const char *alias;   /* source (optional), destination: one or several, comma-separated */
};

struct directory_settings {
    enum directory_kind kind;
    const char *path; /* SQLite: the file */

    const char *hosts[DIRECTORY_HOSTS_MAX]; /* MariaDB: "name", "name:port", "[v6]:port", "/socket";
                                               in order of preference */
    unsigned host_count;
    const char *user;
    const char *password;
    const char *database;
    const char *tls_ca;         /* NULL: no TLS to the database */
    unsigned connections;       /* at most, per core */
    int64_t connect_timeout_ns; /* per attempt */
    int64_t query_timeout_ns;   /* a look-up from asking to answer, waiting for a connection and
                                   retries included */
    struct directory_queries queries;

    const char *mail_home;      /* "/var/vmail/%d/%n": home of an account whose row names none */
    char detail_separator;      /* '+'; 0: no details */
    const char *default_domain; /* for addresses and logins without one; NULL: none */
    unsigned alias_depth_max;   /* alias of alias of ... */

    unsigned cache_entries;    /* per core, for what exists; as many again for what does not */
    int64_t cache_positive_ns; /* how long a found row is believed; 0: not cached */
    int64_t cache_negative_ns; /* how long an absence is believed */
    int64_t cache_stale_ns;    /* how much longer a found row serves while the database is away */
    int64_t login_cache_ns; /* how long a verified password is remembered (keyed hash); 0: never */
};

/* Everything at its default: SQLite, a file to be named by the caller. */
struct directory_settings directory_settings_default(void);
