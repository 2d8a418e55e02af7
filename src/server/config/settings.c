/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "server/config/settings.h"

#include "net/tls.h"
#include "runtime/core.h"

#define S struct server_settings
static const struct setting server_rows[] = {
    SETTING_TEXT(S, hostname, "", 0, "the name said in greetings; empty: the machine's"),
    SETTING_TEXT(S, user, "", 0,
                 "becomes this user once ports are bound; empty: stays who started it"),
    SETTING_TEXT(S, group, "", 0, "and this group; empty: the user's"),
    SETTING_DURATION(S, shutdown_timeout, 30 * TIME_S, 0, 3600 * TIME_S, SETTING_RELOADABLE,
                     "how long SIGTERM lets what is in flight finish"),
    SETTING_NUMBER(S, descriptors_max, 0, 0, 100000000, 0,
                   "open files and connections; 0: as many as the system allows"),
    SETTING_FLAG(
        S, sandbox, true, 0,
        "no new privileges, fewer system calls, and files only where mail and settings lie"),
    SETTING_LIST(S, writable_paths, "", SETTING_MUST_EXIST,
                 "more folders the sandbox leaves writable: mail homes that the directory names"),
};
#undef S

#define S struct core_settings
static const struct setting core_rows[] = {
    SETTING_NUMBER(S, count, 0, 0, CORE_COUNT_MAX, 0, "threads that serve; 0: one per CPU"),
    SETTING_FLAG(S, pin, true, 0, "bind each core to a CPU"),
    SETTING_BYTES(S, stack_size, 0, 0, 16 << 20, 0, "of a fiber; 0: default"),
    SETTING_NUMBER(S, fibers_max, 0, 0, 10000000, 0, "per core; 0: default"),
    SETTING_NUMBER(S, receive_buffers, 0, 0, 32768, 0, "per core, a power of two; 0: default"),
    SETTING_BYTES(S, receive_buffer_size, 0, 0, 1 << 20, 0, "of one; 0: default"),
    SETTING_NUMBER(S, workers, 0, 0, 64, 0,
                   "threads for blocking jobs, per core and lane; 0: default"),
    SETTING_DURATION(S, spin, 0, 0, TIME_S, 0,
                     "looks around this long before it sleeps; 0: default"),
    SETTING_BYTES(S, body_memory_max, 1 << 30, 64 << 20, 1LL << 40, 0,
                  "message bodies in flight per core"),
};
#undef S

#define S struct log_settings
static const char *const levels[] = {
    [LOG_DEBUG] = "debug",
    [LOG_INFO] = "info",
    [LOG_WARNING] = "warning",
    [LOG_ERROR] = "error",
    NULL,
};
static const char *const formats[] = {[LOG_LOGFMT] = "logfmt", [LOG_JSON] = "json", NULL};
static const struct setting log_rows[] = {
    SETTING_CHOICE(S, level, LOG_INFO, levels, SETTING_RELOADABLE, "the least that is logged"),
    SETTING_CHOICE(S, format, LOG_LOGFMT, formats, SETTING_RELOADABLE, "of a line"),
    SETTING_PATH(S, path, "", SETTING_RELOADABLE,
                 "appended to, opened again on SIGHUP; empty: standard error"),
};
#undef S

#define S struct listen_settings
static const struct setting listen_rows[] = {
    SETTING_LIST(S, smtp, "", 0, "mail comes in here: \"*:25\", \"192.0.2.1:25\", \"[::1]:25\""),
    SETTING_LIST(S, submission, "", 0, "our accounts send mail here, with STARTTLS: \"*:587\""),
    SETTING_LIST(S, submissions, "", 0, "the same under TLS from the first byte: \"*:465\""),
    SETTING_LIST(S, imap, "", 0, "IMAP with STARTTLS: \"*:143\""),
    SETTING_LIST(S, imaps, "", 0, "IMAP under TLS: \"*:993\""),
    SETTING_LIST(S, pop3, "", 0, "POP3 with STLS: \"*:110\""),
    SETTING_LIST(S, pop3s, "", 0, "POP3 under TLS: \"*:995\""),
    SETTING_LIST(S, managesieve, "", 0,
                 "Sieve scripts are managed here, with STARTTLS: \"*:4190\""),
    SETTING_LIST(S, http, "", 0, "autoconfig, and the way to HTTPS: \"*:80\""),
    SETTING_LIST(S, https, "", 0, "autoconfig, autodiscover, the MTA-STS policy: \"*:443\""),
    SETTING_LIST(S, admin, "127.0.0.1:9090", 0,
                 "the operator's HTTP: loopback, a Unix socket, or with admin.token anywhere"),
    SETTING_TEXT(S, proxies, "", 0, "networks whose connections begin with a PROXY header"),
    SETTING_NUMBER(S, connections_max, 100000, 1, 10000000, 0, "of one listener, over all cores"),
    SETTING_NUMBER(S, per_address_max, 0, 0, 1000000, 0, "of one client address; 0: no limit"),
};
#undef S

#define S struct tls_settings
static const char *const versions[] = {[TLS_1_2] = "1.2", [TLS_1_3] = "1.3", NULL};
static const struct setting tls_rows[] = {
    SETTING_LIST(
        S, certificates, "", SETTING_RELOADABLE | SETTING_MUST_EXIST,
        "PEM files, each with its chain; the first is for clients that name no known host"),
    SETTING_LIST(S, keys, "", SETTING_RELOADABLE | SETTING_MUST_EXIST,
                 "their keys, in the same order"),
    SETTING_PATH(S, authority, "", SETTING_MUST_EXIST,
                 "PEM file of those whose certificates other servers may have, where one is "
                 "checked; empty: the system's"),
    SETTING_CHOICE(S, version_min, TLS_1_2, versions, SETTING_RELOADABLE,
                   "the oldest that is spoken"),
};
#undef S

#define S struct admin_settings
static const struct setting admin_rows[] = {
    SETTING_TEXT(S, token, "", SETTING_SECRET,
                 "asked for as \"Authorization: Bearer TOKEN\"; empty: none is"),
};
#undef S

const struct setting_table server_setting_table =
    SETTING_TABLE("server", struct server_settings, server_rows);
const struct setting_table core_setting_table =
    SETTING_TABLE("core", struct core_settings, core_rows);
const struct setting_table log_setting_table = SETTING_TABLE("log", struct log_settings, log_rows);
const struct setting_table listen_setting_table =
    SETTING_TABLE("listen", struct listen_settings, listen_rows);
const struct setting_table tls_setting_table = SETTING_TABLE("tls", struct tls_settings, tls_rows);
const struct setting_table admin_setting_table =
    SETTING_TABLE("admin", struct admin_settings, admin_rows);
