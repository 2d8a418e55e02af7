/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "server/config/check.h"

#include "filter/authentic/keyring.h"
#include "filter/authentic/srs.h"
#include "format/http/answer.h"
#include "format/pop3/uidl.h"
#include "format/ucl/parse.h"
#include "net/address.h"
#include "server/config/config.h"
#include "transport/route/transport.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

struct check {
    const struct config *config;
    const struct ucl_entry *entries;
    struct buffer *problems;
};

/* "FILE:LINE: path: text" */
__attribute__((format(printf, 3, 4))) static void
complain(const struct check *check, const char *path, const char *format, ...)
{
    const struct ucl_entry *entry = check->entries;
    while (entry && !slice_equal(entry->path, slice_from_string(path)))
        entry = entry->next;
    if (check->config->path)
        buffer_add_string(check->problems, check->config->path);
    if (entry)
        buffer_format(check->problems, ":%u", entry->line);
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    buffer_format(check->problems, "%s%s: %s\n", check->config->path ? ": " : "", path, text);
}

static void check_path(const struct check *check, const char *name, slice path)
{
    char string[SETTING_PATH_SIZE_MAX + 1];
    if (path.size == 0 || path.size >= sizeof string)
        return;
    memcpy(string, path.data, path.size);
    string[path.size] = '\0';
    if (access(string, R_OK) != 0)
        complain(check, name, "%s: %s", string, strerror(errno));
}

/* Every row flagged SETTING_MUST_EXIST. */
static void check_paths(const struct check *check)
{
    for (size_t i = 0; i < config_section_count; i++) {
        const struct setting_table *table = config_sections[i].table;
        for (size_t j = 0; j < table->count; j++) {
            const struct setting *row = &table->rows[j];
            if (!(row->flags & SETTING_MUST_EXIST))
                continue;
            const char *field = (const char *)config_section_of(check->config, i) + row->offset;
            char name[UCL_PATH_SIZE_MAX];
            snprintf(name, sizeof name, "%s.%s", table->section, row->name);
            if (row->type == SETTING_TYPE_LIST) {
                const struct setting_list *list = (const void *)field;
                for (size_t k = 0; k < list->count; k++)
                    check_path(check, name, list->items[k]);
            } else if (row->size == sizeof(slice)) {
                check_path(check, name, *(const slice *)(const void *)field);
            } else {
                check_path(check, name,
                           slice_from_string(*(const char *const *)(const void *)field));
            }
        }
    }
}

static void check_addresses(const struct check *check, const char *name,
                            const struct setting_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        struct address address;
        if (failed(address_parse(list->items[i], &address)))
            complain(check, name,
                     "\"%.*s\" is no address such as \"*:25\", \"192.0.2.1:25\", "
                     "\"[::1]:25\" or \"unix:/run/x.sock\"",
                     SLICE_ARG(list->items[i]));
    }
}

static void check_listeners(const struct check *check)
{
    const struct listen_settings *listen = &check->config->listen;
    check_addresses(check, "listen.smtp", &listen->smtp);
    check_addresses(check, "listen.submission", &listen->submission);
    check_addresses(check, "listen.submissions", &listen->submissions);
    check_addresses(check, "listen.imap", &listen->imap);
    check_addresses(check, "listen.imaps", &listen->imaps);
    check_addresses(check, "listen.pop3", &listen->pop3);
    check_addresses(check, "listen.pop3s", &listen->pop3s);
    check_addresses(check, "listen.managesieve", &listen->managesieve);
    check_addresses(check, "listen.http", &listen->http);
    check_addresses(check, "listen.https", &listen->https);
    check_addresses(check, "listen.admin", &listen->admin);
    if (listen->imaps.count > 0 && check->config->tls.certificates.count == 0)
        complain(check, "listen.imaps", "needs tls.certificates and tls.keys");
    if (listen->pop3s.count > 0 && check->config->tls.certificates.count == 0)
        complain(check, "listen.pop3s", "needs tls.certificates and tls.keys");
    if (listen->managesieve.count > 0 && check->config->tls.certificates.count == 0 &&
        !check->config->managesieve.plaintext_login)
        complain(check, "listen.managesieve",
                 "nobody could log in: needs tls.certificates and tls.keys, or "
                 "managesieve.plaintext_login = on");
    if (listen->https.count > 0 && check->config->tls.certificates.count == 0)
        complain(check, "listen.https", "needs tls.certificates and tls.keys");
    if (listen->submissions.count > 0 && check->config->tls.certificates.count == 0)
        complain(check, "listen.submissions", "needs tls.certificates and tls.keys");
    if (listen->submission.count > 0 && check->config->tls.certificates.count == 0 &&
        check->config->submission.tls_required)
        complain(check, "listen.submission",
                 "nobody could log in: needs tls.certificates and tls.keys, or "
                 "submission.tls_required = off");
    for (size_t i = 0; i < listen->admin.count; i++) {
        struct address address;
        if (check->config->admin.token.size == 0 &&
            !failed(address_parse(listen->admin.items[i], &address)) &&
            !address_is_loopback(&address))
            complain(check, "listen.admin", "%.*s is open to others: set admin.token",
                     SLICE_ARG(listen->admin.items[i]));
    }
    struct arena arena;
    arena_init(&arena, 1 << 20);
    struct network_list networks;
    if (failed(network_list_parse(listen->proxies, &arena, &networks)))
        complain(check, "listen.proxies", "\"%.*s\" is no list of networks such as 192.0.2.0/24",
                 SLICE_ARG(listen->proxies));
    arena_close(&arena);
}

/* "domain=transport" */
static void check_transport(const struct check *check, struct arena *arena, slice item)
{
    slice domain, text;
    struct route_transport transport;
    error problem = slice_cut(item, '=', &domain, &text)
                        ? route_transport_parse(text, arena, &transport)
                        : error_make(ERROR_MALFORMED, "\"domain=transport\" is wanted");
    if (failed(problem))
        complain(check, "route.transports", "\"%.*s\": %s", SLICE_ARG(item), problem.text);
}

static void check_routes(const struct check *check)
{
    const struct route_settings *route = &check->config->route;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    for (size_t i = 0; i < route->transports.count; i++)
        check_transport(check, &arena, route->transports.items[i]);
    for (size_t i = 0; i < route->tls_policies.count; i++) {
        slice domain, level;
        enum route_tls tls;
        if (!slice_cut(route->tls_policies.items[i], '=', &domain, &level) ||
            !route_tls_parse(slice_trim(level), &tls))
            complain(check, "route.tls_policies",
                     "\"%.*s\": \"domain=level\" is wanted, none, may, encrypt or verify",
                     SLICE_ARG(route->tls_policies.items[i]));
    }
    struct route_transport transport;
    error problem =
        route->smart_host.size ? route_transport_parse(route->smart_host, &arena, &transport) : OK;
    if (failed(problem))
        complain(check, "route.smart_host", "\"%.*s\": %s", SLICE_ARG(route->smart_host),
                 problem.text);
    for (size_t i = 0; i < route->own_addresses.count; i++) {
        struct address address;
        if (failed(address_parse_ip(route->own_addresses.items[i], &address)))
            complain(check, "route.own_addresses", "\"%.*s\" is no IP address",
                     SLICE_ARG(route->own_addresses.items[i]));
    }
    if (check->config->tls_report.contact.size &&
        slice_find_byte(check->config->tls_report.contact, '@') < 1)
        complain(check, "tls_report.contact", "is no address such as postmaster@example.org");
    if (route->user.size && !route->smart_host.size)
        complain(check, "route.user", "there is no route.smart_host to log in at");
    arena_close(&arena);
}

static void check_dns(const struct check *check)
{
    const struct setting_list *servers = &check->config->dns.servers;
    for (size_t i = 0; i < servers->count; i++)
        if (!dns_server_is_valid(servers->items[i]))
            complain(check, "dns.servers",
                     "\"%.*s\" is no server such as \"192.0.2.53\", \"127.0.0.1:5353\" or "
                     "\"[2001:db8::53]:53\"",
                     SLICE_ARG(servers->items[i]));
}

static void check_pop3(const struct check *check)
{
    error problem = pop3_uidl_check(check->config->pop3.uidl_format);
    if (failed(problem))
        complain(check, "pop3.uidl_format", "%s", problem.text);
}

/* A mail that the journal could never take would be refused again and again. */
static void check_journal(const struct check *check)
{
    const struct config *config = check->config;
    const struct store_settings *store = &config->store;
    enum { RECORD_OVERHEAD = 64 << 10 };
    if (store->durability != JOURNAL_DURABILITY_JOURNAL)
        return;
    bool submits = config->listen.submission.count + config->listen.submissions.count > 0;
    size_t most =
        journal_record_size_max(store->journal_segment_size, store->journal_segment_count);
    const struct {
        const char *name;
        size_t size;
    } mails[] = {{"smtp.size_max", config->smtp.size_max},
                 {"submission.size_max", submits ? config->submission.size_max : 0},
                 {"imap.message_size_max", config->imap.message_size_max}};
    for (size_t i = 0; i < sizeof mails / sizeof *mails; i++)
        if (mails[i].size + RECORD_OVERHEAD > most)
            complain(check, mails[i].name,
                     "%zu bytes do not fit into the journal, which takes %zu: raise "
                     "store.journal_segment_size or store.journal_segment_count",
                     mails[i].size, most);
}

static void check_dkim(const struct check *check)
{
    const struct dkim_settings *dkim = &check->config->dkim;
    slice domain, selector, path;
    for (size_t i = 0; i < dkim->keys.count; i++)
        if (failed(keyring_item_parse(dkim->keys.items[i], &domain, &selector, &path)))
            complain(check, "dkim.keys", "\"%.*s\" is not of the form DOMAIN=SELECTOR:/PATH",
                     SLICE_ARG(dkim->keys.items[i]));
    error problem = dkim->path.size ? keyring_path_check(dkim->path) : OK;
    if (failed(problem))
        complain(check, "dkim.path", "%s", problem.text);
}

static void check_authentic(const struct check *check)
{
    slice exempt = check->config->authentic.exempt;
    struct network_list networks;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    if (failed(network_list_parse(exempt, &arena, &networks)))
        complain(check, "authentic.exempt", "\"%.*s\" is no list of networks such as 192.0.2.0/24",
                 SLICE_ARG(exempt));
    arena_close(&arena);
}

static void check_login(const struct check *check)
{
    const struct login_settings *login = &check->config->login;
    if (login->scram != LOGIN_SCRAM_OFF && login->scram_secret.size < LOGIN_SCRAM_SECRET_SIZE_MIN)
        complain(check, "login.scram",
                 "needs login.scram_secret, %d bytes at least that nobody knows: "
                 "\"openssl rand -hex 16\" makes some",
                 LOGIN_SCRAM_SECRET_SIZE_MIN);
}

static void check_forward(const struct check *check)
{
    size_t size = check->config->forward.srs_secret.size;
    if (size > 0 && size < SRS_SECRET_SIZE_MIN)
        complain(check, "forward.srs_secret", "%zu bytes are too short: %d at least", size,
                 SRS_SECRET_SIZE_MIN);
}

static void check_webhook(const struct check *check)
{
    const struct webhook_settings *webhook = &check->config->webhook;
    struct http_url url;
    unsigned kinds;
    if (webhook->urls.count > WEBHOOK_URLS_MAX)
        complain(check, "webhook.urls", "%zu addresses are too many: %d at most",
                 webhook->urls.count, WEBHOOK_URLS_MAX);
    for (size_t i = 0; i < webhook->urls.count; i++)
        if (failed(http_url_parse(webhook->urls.items[i], &url)))
            complain(check, "webhook.urls", "\"%.*s\" is no address such as https://host/path",
                     SLICE_ARG(webhook->urls.items[i]));
    if (!webhook_events_parse(&webhook->events, &kinds))
        complain(check, "webhook.events",
                 "there are mail.accepted, mail.delivered, mail.deferred, mail.bounced, "
                 "mail.complaint, mail.reported and account.limited");
    if (webhook->secret.size > 0 && !webhook_secret_is_valid(webhook->secret))
        complain(check, "webhook.secret", "what follows \"whsec_\" is not base64");
}

static void check_queue(const struct check *check)
{
    const struct queue_settings *queue = &check->config->queue;
    for (size_t i = 0; i < queue->rates.count; i++) {
        slice domain;
        uint32_t rate;
        if (failed(queue_rate_parse(queue->rates.items[i], &domain, &rate)))
            complain(check, "queue.rates", "\"%.*s\" is no rate such as \"example.net=60\"",
                     SLICE_ARG(queue->rates.items[i]));
    }
    if (queue->retry_min > queue->retry_max)
        complain(check, "queue.retry_max", "is shorter than queue.retry_min");
}

static void check_source(const struct check *check, const char *name, slice text,
                         enum address_family family)
{
    struct address address;
    if (text.size == 0)
        return;
    if (failed(address_parse_ip(text, &address)) || address.family != family)
        complain(check, name, "%.*s is no %s address", SLICE_ARG(text),
                 family == ADDRESS_IPV4 ? "IPv4" : "IPv6");
}

static void check_remote(const struct check *check)
{
    check_source(check, "remote.source_ipv4", check->config->remote.source_ipv4, ADDRESS_IPV4);
    check_source(check, "remote.source_ipv6", check->config->remote.source_ipv6, ADDRESS_IPV6);
}

/* Its mistakes come as lines "setting: what is wrong". */
static void check_spam(const struct check *check)
{
    const struct config *config = check->config;
    struct spam_engine_settings settings = {&config->spam_scores, &config->spam_caps,
                                            &config->spam_rules, &config->spam_lists};
    struct buffer problems;
    buffer_init(&problems, CONFIG_PROBLEMS_SIZE_MAX);
    spam_settings_check(&config->spam, &problems);
    spam_engine_settings_check(&settings, &problems);
    for (slice rest = buffer_slice(&problems); rest.size > 0;) {
        slice line, name, text;
        char setting[64];
        slice_cut(rest, '\n', &line, &rest);
        slice_cut(line, ':', &name, &text);
        snprintf(setting, sizeof setting, "%.*s", SLICE_ARG(name));
        complain(check, setting, "%.*s", SLICE_ARG(slice_trim(text)));
    }
    buffer_close(&problems);
}

static void check_user(const struct check *check)
{
    const struct server_settings *server = &check->config->server;
    if (server->user && !getpwnam(server->user))
        complain(check, "server.user", "there is no user \"%s\" here", server->user);
    if (server->group && !getgrnam(server->group))
        complain(check, "server.group", "there is no group \"%s\" here", server->group);
    if (server->group && !server->user)
        complain(check, "server.group", "needs server.user as well");
}

void config_check(const struct config *config, const struct ucl_entry *entries,
                  struct buffer *problems)
{
    const struct check check = {config, entries, problems};
    const struct tls_settings *tls = &config->tls;
    check_paths(&check);
    check_listeners(&check);
    check_user(&check);
    check_pop3(&check);
    check_journal(&check);
    check_queue(&check);
    check_remote(&check);
    check_login(&check);
    check_forward(&check);
    check_dns(&check);
    check_routes(&check);
    check_dkim(&check);
    check_authentic(&check);
    check_spam(&check);
    check_webhook(&check);
    if (tls->certificates.count != tls->keys.count)
        complain(&check, "tls.keys", "%zu keys for %zu certificates", tls->keys.count,
                 tls->certificates.count);
    uint32_t buffers = config->core.receive_buffers;
    if (buffers & (buffers - 1))
        complain(&check, "core.receive_buffers", "%u is no power of two", buffers);
}
