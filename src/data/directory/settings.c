/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "data/directory/settings.h"

static const char *const backends[] = {
    [DIRECTORY_SQLITE] = "sqlite", [DIRECTORY_MARIADB] = "mariadb", NULL};

#define OWNER struct directory_settings
static const struct setting rows[] = {
    SETTING_CHOICE(OWNER, backend, DIRECTORY_SQLITE, backends, 0,
                   "where domains, accounts and aliases are kept"),
    SETTING_PATH(OWNER, path, "/var/lib/ringmail/directory.sqlite", 0,
                 "SQLite: the database file; made where it is missing"),
    SETTING_LIST(OWNER, hosts, "localhost", 0,
                 "MariaDB: servers in order of preference: name, name:port, [v6]:port or /socket"),
    SETTING_TEXT(OWNER, user, "ringmail", 0, "MariaDB: user"),
    SETTING_TEXT(OWNER, password, "", SETTING_SECRET, "MariaDB: password"),
    SETTING_TEXT(OWNER, database, "mailserver", 0, "MariaDB: database"),
    SETTING_PATH(OWNER, tls_ca, "", SETTING_MUST_EXIST,
                 "MariaDB: file of CA certificates; where it is set connections are encrypted, to "
                 "a server that "
                 "one of these signed, whatever its name"),
    SETTING_NUMBER(OWNER, connections, 4, 1, 256, 0, "MariaDB: connections per core, at most"),
    SETTING_DURATION(OWNER, connect_timeout, 2 * TIME_S, 50 * TIME_MS, 60 * TIME_S, 0,
                     "MariaDB: one attempt to reach one server"),
    SETTING_DURATION(OWNER, query_timeout, 5 * TIME_S, 50 * TIME_MS, 60 * TIME_S, 0,
                     "one look-up, waiting for a connection and retries included"),
    SETTING_TEXT(OWNER, domain_query, "SELECT name FROM virtual_domains WHERE name = ?", 0,
                 "a row says that the domain is ours; ? or %d"),
    /* Every column: message quota and home are optional ones that many databases lack. */
    SETTING_TEXT(OWNER, account_query, "SELECT * FROM virtual_users WHERE email = ?", 0,
                 "columns password, id, email, quota, quota_messages, home; ?, %u, %n, %d"),
    SETTING_TEXT(OWNER, alias_query,
                 "SELECT source, destination FROM virtual_aliases WHERE source = ?", 0,
                 "columns destination, source; ?, %u, %n, %d; catch-all: @domain"),
    SETTING_TEXT(OWNER, dkim_query, "", 0,
                 "DKIM keys of a domain: columns selector, private_key (PEM); ? or %d; such as "
                 "SELECT * FROM virtual_dkim WHERE domain = ?; empty: keys are in files only"),
    SETTING_TEXT(OWNER, identity_query, "", 0,
                 "columns sender (address or @domain), login: as whom an account may write beside "
                 "itself, as in SELECT login, sender FROM virtual_senders WHERE login = ?"),
    SETTING_TEXT(OWNER, transport_query, "", 0,
                 "column transport (as in route.transports), domain optional; ? or %d; e.g. SELECT "
                 "domain, transport FROM virtual_transports WHERE domain = ?; empty: no table"),
    SETTING_TEXT(OWNER, mail_home, "/var/vmail/%d/%n", 0,
                 "directory of an account whose row names none; Maildir lies in it"),
    SETTING_TEXT(OWNER, detail_separator, "+", 0,
                 "what divides user and detail in user+detail; empty: nothing does"),
    SETTING_TEXT(OWNER, default_domain, "", 0,
                 "domain of addresses and logins that name none; empty: they are refused"),
    SETTING_NUMBER(OWNER, alias_depth_max, 20, 1, 100, 0, "alias of alias of ..., at most"),
    SETTING_NUMBER(OWNER, cache_entries, 16384, 16, 16777216, 0,
                   "rows remembered per core; as many again for what does not exist"),
    SETTING_DURATION(OWNER, cache_positive, 60 * TIME_S, 0, 86400 * TIME_S, 0,
                     "how long a row is believed; 0: always ask"),
    SETTING_DURATION(OWNER, cache_negative, 10 * TIME_S, 0, 86400 * TIME_S, 0,
                     "how long the absence of a row is believed; 0: always ask"),
    SETTING_DURATION(OWNER, cache_stale, 0, 0, 86400 * TIME_S, 0,
                     "how much longer a row serves while the database cannot be reached"),
    SETTING_DURATION(OWNER, login_cache, 300 * TIME_S, 0, 86400 * TIME_S, 0,
                     "how long a verified password is remembered, as a keyed hash; 0: never"),
};

const struct setting_table directory_setting_table = SETTING_TABLE("directory", OWNER, rows);
