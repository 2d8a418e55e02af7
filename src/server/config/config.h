#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The configuration: one file (format/ucl), read into the structs of all modules. A loaded struct
 * config never changes; a reload makes a new one, in which what needs a restart keeps its old
 * value. Old ones stay alive, because sessions hold views into them; reloads are rare.
 */
#include "base/arena.h"
#include "base/buffer.h"
#include "data/directory/settings.h"
#include "data/scripts/settings.h"
#include "data/store/settings.h"
#include "filter/authentic/settings.h"
#include "filter/spam/engine_settings.h"
#include "filter/spam/settings.h"
#include "net/dns/settings.h"
#include "server/config/settings.h"
#include "service/http/settings.h"
#include "service/imap/settings.h"
#include "service/login/settings.h"
#include "service/managesieve/settings.h"
#include "service/pop3/settings.h"
#include "service/smtp/settings.h"
#include "transport/deliver/settings.h"
#include "transport/forward.h"
#include "transport/queue/settings.h"
#include "transport/report/settings.h"
#include "transport/route/settings.h"
#include "transport/webhook_settings.h"

enum {
    CONFIG_MEMORY_MAX = 16 << 20,
    CONFIG_PROBLEMS_SIZE_MAX = 64 << 10,
    CONFIG_OVERRIDES_MAX = 256,
};

struct config {
    struct arena arena;
    struct config
        *before; /* the one this took the place of, kept for sessions that began with it */
    const char *path;
    struct server_settings server;
    struct core_settings core;
    struct log_settings log;
    struct listen_settings listen;
    struct tls_settings tls;
    struct admin_settings admin;
    struct smtp_settings smtp;
    struct smtp_settings submission;
    struct forward_settings forward;
    struct imap_settings imap;
    struct pop3_settings pop3;
    struct managesieve_settings managesieve;
    struct sieve_settings sieve;
    struct login_settings login;
    struct directory_settings directory;
    struct store_settings store;
    struct dkim_settings dkim;
    struct authentic_settings authentic;
    struct spf_settings spf;
    struct dmarc_settings dmarc;
    struct spam_scores spam_scores;
    struct spam_caps spam_caps;
    struct spam_rules_settings spam_rules;
    struct spam_lists_settings spam_lists;
    struct spam_settings spam;
    struct http_settings http;
    struct sts_settings sts;
    struct queue_settings queue;
    struct remote_settings remote;
    struct dns_settings dns;
    struct route_settings route;
    struct tls_report_settings tls_report;
    struct webhook_settings webhook;
};

/* What was set while running (PATCH /config); applied after the file on every load. */
struct config_override {
    slice path;
    slice value;
};
struct config_overrides {
    unsigned count;
    struct config_override items[CONFIG_OVERRIDES_MAX];
};

/* Reads and checks the whole file. Every problem becomes a line "FILE:LINE: what is wrong, what
 * would be right" in `problems`, and the outcome is then ERROR_MALFORMED. `path` NULL: all
 * defaults. Blocks: at start or on a worker. `overrides` may be NULL. */
error config_load(const char *path, const struct config_overrides *overrides,
                  struct buffer *problems, struct config **out_config);
void config_destroy(struct config **config);

/* In `fresh`, what cannot change while running gets its value from `running`; each such difference
 * becomes a line in `notes`. */
void config_keep_fixed(struct config *fresh, const struct config *running, struct buffer *notes);

/* The row of a dotted name and the struct it belongs to; NULL where there is none. */
const struct setting *config_find(slice path, size_t *out_section);

/* Every section, in the order people read them. */
struct config_section {
    const struct setting_table *table;
    size_t offset; /* of its struct in struct config */
};
extern const struct config_section config_sections[];
extern const size_t config_section_count;

static inline const void *config_section_of(const struct config *config, size_t section)
{
    return (const char *)config + config_sections[section].offset;
}

/* The whole as a file that could be read back, secrets starred; with help and defaults as comments
 * where `commented`. */
void config_write(const struct config *config, bool commented, struct buffer *out);
/* The same as JSON: {"smtp": {"message_size_max": {"value": ..., "default": ..., "help": ...,
 * "reloadable": ...}}} */
void config_write_json(const struct config *config, struct buffer *out);
