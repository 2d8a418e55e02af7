/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "server/ports.h"

#include "base/log.h"
#include "net/listener.h"
#include "server/server.h"

/* Which service stands behind which list of section "listen". */
static const struct role {
    const char *name;
    size_t list;     /* offset in struct listen_settings */
    size_t argument; /* offset of the service in struct server */
    bool tls_implicit;
    void (*serve)(struct stream **stream, void *argument);
    slice (*refusal)(enum listener_refusal reason, void *argument);
    slice alpn;
} roles[] = {
    {"smtp",
     offsetof(struct listen_settings, smtp),
     offsetof(struct server, smtp),
     false,
     smtp_serve,
     smtp_refusal,
     {NULL, 0}},
    {"submission",
     offsetof(struct listen_settings, submission),
     offsetof(struct server, submission),
     false,
     smtp_serve,
     smtp_refusal,
     {NULL, 0}},
    /* RFC 8314 3.3 */
    {"submissions",
     offsetof(struct listen_settings, submissions),
     offsetof(struct server, submission),
     true,
     smtp_serve,
     smtp_refusal,
     {NULL, 0}},
    {"imap",
     offsetof(struct listen_settings, imap),
     offsetof(struct server, imap),
     false,
     imap_serve,
     imap_refusal,
     {NULL, 0}},
    /* RFC 7301 registry: "imap" */
    {"imaps",
     offsetof(struct listen_settings, imaps),
     offsetof(struct server, imap),
     true,
     imap_serve,
     imap_refusal,
     {"imap", 4}},
    {"pop3",
     offsetof(struct listen_settings, pop3),
     offsetof(struct server, pop3),
     false,
     pop3_serve,
     pop3_refusal,
     {NULL, 0}},
    /* RFC 7301 registry: "pop3" */
    {"pop3s",
     offsetof(struct listen_settings, pop3s),
     offsetof(struct server, pop3),
     true,
     pop3_serve,
     pop3_refusal,
     {"pop3", 4}},
    {"managesieve",
     offsetof(struct listen_settings, managesieve),
     offsetof(struct server, managesieve),
     false,
     managesieve_serve,
     managesieve_refusal,
     {NULL, 0}},
    {"http",
     offsetof(struct listen_settings, http),
     offsetof(struct server, http),
     false,
     http_serve,
     http_refusal,
     {NULL, 0}},
    {"https",
     offsetof(struct listen_settings, https),
     offsetof(struct server, http),
     true,
     http_serve,
     http_refusal,
     {"http/1.1", 8}},
    {"admin",
     offsetof(struct listen_settings, admin),
     offsetof(struct server, admin),
     false,
     admin_serve,
     admin_refusal,
     {NULL, 0}},
};

static error bind_one(struct server *server, const struct role *role, slice text)
{
    const struct config *config = server->config;
    const bool is_admin = role->serve == admin_serve;
    struct listener_options options = {
        .name = role->name,
        .connections_max = config->listen.connections_max,
        .per_address_max = is_admin ? 0 : config->listen.per_address_max,
        .proxies = is_admin ? NULL : &server->proxies,
        .tls_implicit = role->tls_implicit ? server->tls : NULL,
        .tls_alpn = role->tls_implicit ? role->alpn : SLICE_EMPTY,
        .serve = role->serve,
        .argument = (char *)server + role->argument,
        .refusal = role->refusal,
        .unix_mode = is_admin ? 0600 : 0,
    };
    if (server->ports.count == PORTS_MAX)
        return error_make(ERROR_LIMIT, "more addresses than a server may listen on");
    TRY(address_parse(text, &options.address));
    struct listener *listener;
    TRY(listener_bind(&options, server_core_count(config), &listener));
    server->ports.listeners[server->ports.count++] = listener;
    char address[ADDRESS_TEXT_SIZE];
    struct log_line line = log_begin(LOG_INFO, "server.listen");
    log_string(&line, "service", role->name);
    log_text(&line, "address", address_format(listener_address(listener), address));
    log_end(&line);
    return OK;
}

error ports_bind(struct server *server)
{
    const struct config *config = server->config;
    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++) {
        const struct setting_list *list =
            (const void *)((const char *)&config->listen + roles[i].list);
        for (size_t j = 0; j < list->count; j++) {
            error problem = bind_one(server, &roles[i], list->items[j]);
            if (failed(problem)) {
                log_event(LOG_ERROR, "server.listen", problem, list->items[j]);
                return problem;
            }
        }
    }
    struct address unused;
    for (unsigned i = 0; listener_inherited_unused(i, &unused); i++) {
        char text[ADDRESS_TEXT_SIZE];
        log_event(LOG_WARNING, "server.inherited_unused", OK, address_format(&unused, text));
    }
    return OK;
}

error ports_start(struct ports *ports, struct crew *crew)
{
    for (unsigned i = 0; i < ports->count; i++)
        TRY(listener_start(ports->listeners[i], crew));
    return OK;
}

void ports_stop(struct ports *ports)
{
    for (unsigned i = 0; i < ports->count; i++)
        listener_stop(ports->listeners[i]);
}

void ports_close(struct ports *ports)
{
    for (unsigned i = 0; i < ports->count; i++)
        listener_destroy(&ports->listeners[i]);
    ports->count = 0;
}
