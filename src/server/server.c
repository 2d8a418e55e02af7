/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "server/server.h"

#include "base/log.h"
#include "base/version.h"
#include "data/directory/directory.h"
#include "data/store/store.h"
#include "filter/authentic/authentic.h"
#include "filter/authentic/keyring.h"
#include "filter/authentic/psl.h"
#include "filter/authentic/signer.h"
#include "filter/spam/spam.h"
#include "net/tls.h"
#include "runtime/body.h"
#include "runtime/core.h"
#include "runtime/crew.h"
#include "runtime/fiber.h"
#include "runtime/message.h"
#include "server/notify.h"
#include "service/session.h"
#include "service/smtp/sending.h"
#include "transport/deliver/remote.h"
#include "transport/forward.h"
#include "transport/queue/queue.h"
#include "transport/report/reporter.h"
#include "transport/webhook.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    DRAIN_POLL_MS = 10,
    WEBHOOK_STOP_MS = 2000,
    STATE_PATH_SIZE = SETTING_PATH_SIZE_MAX + 16,
};

static _Thread_local struct directory *directory;

/* ---- Before the cores ---- */

static error name_host(struct server *server)
{
    const struct config *config = server->config;
    slice name = config->server.hostname;
    if (name.size == 0) {
        if (gethostname(server->hostname, sizeof server->hostname - 1) != 0)
            return error_system(errno, "the machine has no name");
        return OK;
    }
    if (name.size >= sizeof server->hostname)
        return error_make(ERROR_LIMIT, "server.hostname is too long");
    memcpy(server->hostname, name.data, name.size);
    return OK;
}

unsigned server_core_count(const struct config *config)
{
    if (config->core.count > 0)
        return config->core.count;
    cpu_set_t *set = CPU_ALLOC(CORE_COUNT_MAX);
    unsigned count = 1;
    if (set && sched_getaffinity(0, CPU_ALLOC_SIZE(CORE_COUNT_MAX), set) == 0)
        count = (unsigned)CPU_COUNT_S(CPU_ALLOC_SIZE(CORE_COUNT_MAX), set);
    CPU_FREE(set);
    return count;
}

void server_publish(struct server *server, struct config *config)
{
    if (server->config != config)
        config->before = server->config;
    server->config = config;
    server->smtp.settings = &config->smtp;
    server->smtp.login = &config->login;
    server->submission.settings = &config->submission;
    server->submission.login = &config->login;
    forward_set_settings(&config->forward, slice_from_string(server->hostname));
    server->imap.settings = &config->imap;
    server->imap.login = &config->login;
    server->pop3.settings = &config->pop3;
    server->pop3.login = &config->login;
    server->managesieve.settings = &config->managesieve;
    server->managesieve.login = &config->login;
    sieve_set_settings(&config->sieve);
    server->http.settings = &config->http;
    server->http.sts = &config->sts;
}

/* What mail programs are told: the first port of each service that they may use. */
static void describe_services(struct server *server, const struct listen_settings *listen)
{
    const struct {
        const struct setting_list *list;
        enum autoconfig_protocol protocol;
        bool tls_implicit;
    } kinds[] = {
        {&listen->imaps, AUTOCONFIG_IMAP, true},
        {&listen->imap, AUTOCONFIG_IMAP, false},
        {&listen->pop3s, AUTOCONFIG_POP3, true},
        {&listen->pop3, AUTOCONFIG_POP3, false},
        {&listen->submissions, AUTOCONFIG_SMTP, true},
        {&listen->submission, AUTOCONFIG_SMTP, false},
    };
    struct http_service *http = &server->http;
    struct address address;
    *http = (struct http_service){.hostname = slice_from_string(server->hostname)};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (kinds[i].list->count > 0 && !failed(address_parse(kinds[i].list->items[0], &address)))
            http->servers[http->server_count++] =
                (struct autoconfig_server){kinds[i].protocol, address.port, kinds[i].tls_implicit};
    http->has_tls =
        listen->https.count > 0 && !failed(address_parse(listen->https.items[0], &address));
    http->tls_port = http->has_tls ? address.port : 0;
}

static error admin_write(void *argument, struct buffer *out);
static error admin_change(void *argument, slice text, struct buffer *problems);
static error admin_reload_all(void *argument, struct buffer *problems);

error server_open(struct server *server, struct config *config)
{
    struct buffer problems;
    buffer_init(&problems, CONFIG_PROBLEMS_SIZE_MAX);
    server->config = config;
    TRY(name_host(server));
    TRY(network_list_parse(config->listen.proxies, &config->arena, &server->proxies));
    error loaded = server_load_certificates(config, &server->tls, &problems);
    if (failed(loaded))
        log_event(LOG_ERROR, "server.certificates", loaded, slice_trim(buffer_slice(&problems)));
    buffer_reset(&problems);
    if (!failed(loaded))
        loaded = keyring_read(&config->dkim, NULL, &problems, &server->keyring);
    if (problems.size) /* mail of these domains waits until somebody mends them */
        log_event(LOG_ERROR, "dkim.keys", loaded, slice_trim(buffer_slice(&problems)));
    buffer_close(&problems);
    TRY(loaded);
    error list = psl_open(); /* before files are out of reach */
    if (failed(list))
        log_event(LOG_WARNING, "server.public_suffixes", list, SLICE_EMPTY);
    server->smtp = (struct smtp_service){
        .role = SMTP_ROLE_MX,
        .hostname = slice_from_string(server->hostname),
        .tls = server->tls,
    };
    server->submission = server->smtp;
    server->submission.role = SMTP_ROLE_SUBMISSION;
    server->imap = (struct imap_service){.tls = server->tls};
    server->pop3 = (struct pop3_service){.tls = server->tls};
    server->managesieve = (struct managesieve_service){.tls = server->tls};
    describe_services(server, &config->listen);
    server->admin = (struct admin_options){
        .token = config->admin.token,
        .version = RINGMAIL_VERSION,
        .hostname = slice_from_string(server->hostname),
        .started_at = time_now(),
        .config_write = admin_write,
        .config_change = admin_change,
        .reload = admin_reload_all,
        .argument = server,
    };
    server_publish(server, config);
    listener_inherit();
    return ports_bind(server);
}

void server_close(struct server *server)
{
    ports_close(&server->ports);
    tls_server_destroy(&server->tls);
    keyring_unref(&server->keyring);
    psl_close();
}

/* ---- What the admin service asks for, on whatever core ---- */

struct admin_request {
    struct server *server;
    slice text;
    struct buffer *lines;
};

static error admin_write(void *argument, struct buffer *out)
{
    struct server *server = argument;
    config_write_json(server->config, out);
    return OK;
}

static error change_on_boss(void *argument)
{
    struct admin_request *request = argument;
    return server_change(request->server, request->text, request->lines);
}

static error admin_change(void *argument, slice text, struct buffer *problems)
{
    struct admin_request request = {argument, text, problems};
    return core_call(0, change_on_boss, &request);
}

static error reload_on_boss(void *argument)
{
    struct admin_request *request = argument;
    return server_reload(request->server, request->lines);
}

static error admin_reload_all(void *argument, struct buffer *problems)
{
    struct admin_request request = {.server = argument, .lines = problems};
    return core_call(0, reload_on_boss, &request);
}

/* ---- On every core ---- */

/* The resolver, and what knows where mail goes. */
static error open_routes(const struct server *server)
{
    const struct config *config = server->config;
    struct resolver_options options;
    struct arena scratch;
    arena_init(&scratch, 1 << 20);
    error problem = dns_resolver_options(&config->dns, &scratch, &options);
    if (!failed(problem))
        problem = resolver_start(&options);
    arena_close(&scratch);
    TRY(problem);
    const struct route_options route = {
        .settings = &config->route,
        .hostname = slice_from_string(server->hostname),
        .listen = &config->listen.smtp,
        .authority = config->tls.authority,
        .store_path = slice_from_string(config->store.path),
    };
    return route_start(&route);
}

error server_start_filters(struct server *server)
{
    const struct config *config = server->config;
    TRY(authentic_start(&(struct authentic_options){
        .settings = &config->authentic, .spf = &config->spf, .dmarc = &config->dmarc}));
    const struct spam_engine_settings engine = {
        .scores = &config->spam_scores,
        .caps = &config->spam_caps,
        .rules = &config->spam_rules,
        .lists = &config->spam_lists,
    };
    char learned[SPAM_LEARNED_PATH_SIZE];
    TRY(spam_start(&(struct spam_options){
        .settings = &config->spam,
        .engine = &engine,
        .learned = spam_learned_path(&config->spam_rules, slice_from_string(config->store.path),
                                     learned)}));
    return signer_start(&config->dkim, server->keyring);
}

static error open_core(void *argument)
{
    struct server *server = argument;
    const struct config *config = server->config;
    body_set_bytes_max(config->core.body_memory_max);
    TRY(directory_open(&config->directory, &directory));
    TRY(open_routes(server));
    TRY(remote_start(&config->remote, config->tls.authority));
    return server_start_filters(server);
}

static error serve_core(void *argument)
{
    struct server *server = argument;
    return ports_start(&server->ports, session_crew());
}

/* No new connections; sessions end when their transaction does. */
static error refuse_core(void *argument)
{
    struct server *server = argument;
    ports_stop(&server->ports);
    session_end_all();
    return OK;
}

static error drain_core(void *argument)
{
    struct server *server = argument;
    while (session_count() > 0 && time_now() < server->drain_until)
        TRY(fiber_sleep(DRAIN_POLL_MS * TIME_MS));
    if (session_count() > 0) {
        struct log_line line = log_begin(LOG_WARNING, "server.cut_off");
        log_number(&line, "core", core_self());
        log_number(&line, "sessions", session_count());
        log_end(&line);
    }
    crew_close(session_crew());
    return OK;
}

static error close_core(void *argument)
{
    (void)argument;
    route_stop();
    resolver_stop();
    authentic_stop();
    spam_stop();
    signer_stop();
    directory_close(&directory);
    return OK;
}

/* ---- The boss ---- */

/* Where small state lies that outlives the process. */
static const char *state_folder(const struct config *config, const char *name,
                                char out_path[STATE_PATH_SIZE])
{
    snprintf(out_path, STATE_PATH_SIZE, "%s/%s", config->store.path, name);
    return out_path;
}

static error start_webhooks(const struct config *config)
{
    char authority[SETTING_PATH_SIZE_MAX + 1] = "", path[STATE_PATH_SIZE];
    memcpy(authority, config->tls.authority.size ? config->tls.authority.data : "",
           config->tls.authority.size);
    return webhook_start(&(struct webhook_options){
        .settings = &config->webhook,
        .authority = authority[0] ? authority : NULL,
        .path = state_folder(config, "webhook", path),
    });
}

static error start_reports(const struct server *server)
{
    const struct config *config = server->config;
    char path[STATE_PATH_SIZE];
    return reporter_start(&(struct reporter_options){
        .settings = &config->tls_report,
        .hostname = slice_from_string(server->hostname),
        .authority = config->tls.authority,
        .private_addresses = config->route.private_addresses,
        .path = state_folder(config, "tls-report", path),
    });
}

static error start_counts(const struct config *config)
{
    char path[STATE_PATH_SIZE];
    return smtp_sending_start(&(struct smtp_sending_options){
        .path = state_folder(config, "sending", path),
        .save_interval = config->submission.count_save_interval,
    });
}

static error load_queue(struct server *server)
{
    struct config *config = server->config;
    struct queue_options options = {
        .settings = &config->queue,
        .remote = &config->remote,
        .hostname = slice_from_string(server->hostname),
    };
    TRY(arena_format(&config->arena, &options.path, "%s/queue", config->store.path));
    return queue_load(&options);
}

static error start(struct server *server)
{
    const struct config *config = server->config;
    TRY(core_broadcast(open_core, server));
    TRY(store_claim(&config->store)); /* before anything of another server's is looked at */
    TRY(start_webhooks(config));
    TRY(load_queue(server));
    TRY(store_start(&config->store));
    TRY(queue_start());
    TRY(start_reports(server));
    TRY(start_counts(config));
    return core_broadcast(serve_core, server);
}

static error stop(struct server *server)
{
    const struct config *config = server->config;
    server->drain_until = time_after(config->server.shutdown_timeout);
    TRY(core_broadcast(refuse_core, server));
    TRY(core_broadcast(drain_core, server));
    reporter_stop();
    /* A disk that refuses must not keep the rest from being put down: what the queue could not
     * write stays in the journal. */
    error queue = queue_stop(server->drain_until);
    reporter_close();
    smtp_sending_stop();
    error store = store_stop();
    webhook_stop(time_after(WEBHOOK_STOP_MS * TIME_MS));
    error cores = core_broadcast(close_core, server);
    TRY(queue);
    TRY(store);
    return cores;
}

static void log_life(const char *event, const struct server *server, error problem)
{
    struct log_line line = log_begin(failed(problem) ? LOG_ERROR : LOG_INFO, event);
    log_string(&line, "version", RINGMAIL_VERSION);
    log_string(&line, "hostname", server->hostname);
    log_number(&line, "cores", core_count());
    log_number(&line, "pid", getpid());
    log_number(&line, "uptime_ms", (time_now() - server->admin.started_at) / TIME_MS);
    log_error(&line, problem);
    log_end(&line);
    log_flush();
}

static void obey_reload(struct server *server)
{
    struct buffer lines;
    buffer_init(&lines, CONFIG_PROBLEMS_SIZE_MAX);
    notify_system("RELOADING=1");
    error problem = server_reload(server, &lines);
    log_event(failed(problem) ? LOG_ERROR : LOG_INFO, "server.reload", problem,
              slice_trim(buffer_slice(&lines)));
    notify_system("READY=1");
    buffer_close(&lines);
}

static void be_boss(struct server *server)
{
    error problem = start(server);
    log_life("server.start", server, problem);
    if (failed(problem)) {
        server->status = EXIT_FAILURE;
        return;
    }
    notify_system("READY=1");
    while (!server->stop_ordered) {
        if (server->reload_ordered) {
            server->reload_ordered = false;
            obey_reload(server);
        } else if (failed(condition_wait(&server->ordered, TIME_NEVER))) {
            return; /* cancelled: the impatient way to stop */
        }
    }
    notify_system("STOPPING=1");
    problem = stop(server);
    log_life("server.stop", server, problem);
    if (failed(problem))
        server->status = EXIT_FAILURE;
}

void server_run_core(void *argument)
{
    struct server *server = argument;
    if (core_self() != 0)
        return;
    condition_init(&server->ordered);
    mutex_init(&server->reloading);
    be_boss(server);
    kill(getpid(), SERVER_ENDED);
}

struct order {
    struct message message;
    struct server *server;
    enum server_order kind;
};

static void take_order(struct message *message)
{
    struct order *order = CONTAINER_OF(message, struct order, message);
    struct server *server = order->server;
    if (order->kind == SERVER_STOP)
        server->stop_ordered = true;
    else
        server->reload_ordered = true;
    if (server->ordered.waiters.next) /* not before the boss began: it looks at the flags first */
        condition_wake_all(&server->ordered);
    free(order);
}

void server_order(struct server *server, enum server_order kind)
{
    struct order *order = calloc(1, sizeof *order);
    if (!order)
        return;
    *order = (struct order){.message.run = take_order, .server = server, .kind = kind};
    core_post(0, &order->message);
}
