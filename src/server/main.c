/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * ringmaild: reads its configuration, takes its ports, becomes less, starts the cores, and then
 * waits for signals.
 */
#include "base/log.h"
#include "base/version.h"
#include "net/tls.h"
#include "runtime/core.h"
#include "server/config/config.h"
#include "server/logging.h"
#include "server/privilege.h"
#include "server/server.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Exit statuses of sysexits(3) that scripts may trust. */
enum { EXIT_USAGE = 64, EXIT_CONFIG = 78 };

static const char usage[] =
    "usage: ringmaild --config FILE\n"
    "       ringmaild --check-config FILE\n"
    "       ringmaild --show-defaults | --version | --help\n"
    "\n"
    "SIGHUP reads the configuration and certificates again; SIGTERM finishes "
    "what is in flight and\nexits; a second SIGTERM, half a second later or more, exits at once.\n";

static struct config *read_config(const char *path)
{
    struct buffer problems;
    struct config *config = NULL;
    buffer_init(&problems, CONFIG_PROBLEMS_SIZE_MAX);
    error problem = config_load(path, NULL, &problems, &config);
    if (failed(problem))
        fprintf(stderr, "%.*s", SLICE_ARG(buffer_slice(&problems)));
    if (failed(problem) && problems.size == 0)
        fprintf(stderr, "%s: %s\n", path, problem.text);
    buffer_close(&problems);
    return config;
}

/* A certificate that is no certificate, or whose key is another's, would end the start. */
static error check_certificates(const char *path, struct config *config)
{
    struct buffer problems;
    struct tls_server *tls = NULL;
    TRY(tls_start());
    buffer_init(&problems, CONFIG_PROBLEMS_SIZE_MAX);
    error problem = server_load_certificates(config, &tls, &problems);
    if (failed(problem) && problems.size == 0)
        buffer_format(&problems, "%s\n", problem.text);
    if (failed(problem))
        fprintf(stderr, "%s: tls.certificates: %.*s", path, SLICE_ARG(buffer_slice(&problems)));
    buffer_close(&problems);
    tls_server_destroy(&tls);
    return problem;
}

static int check_config(const char *path)
{
    struct config *config = read_config(path);
    if (!config)
        return EXIT_CONFIG;
    error problem = check_certificates(path, config);
    config_destroy(&config);
    if (failed(problem))
        return EXIT_CONFIG;
    printf("%s: fine\n", path);
    return EXIT_SUCCESS;
}

static int show_defaults(void)
{
    struct config *config = read_config(NULL);
    struct buffer out;
    if (!config)
        return EXIT_FAILURE;
    buffer_init(&out, 1 << 20);
    config_write(config, true, &out);
    printf("%.*s", SLICE_ARG(buffer_slice(&out)));
    buffer_close(&out);
    config_destroy(&config);
    return EXIT_SUCCESS;
}

/* Blocked in every thread that is started from now on; the main thread fetches them. */
static sigset_t block_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SERVER_ENDED);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    return set;
}

/* One order to stop may come twice: timeout(1) and process groups send the signal again. */
enum { SAME_ORDER_MS = 500 };

static void obey_signals(struct server *server, const sigset_t *set)
{
    instant stopping = 0;
    for (;;) {
        int number = 0;
        if (sigwait(set, &number) != 0)
            continue;
        if (number == SERVER_ENDED)
            return;
        if (number == SIGHUP) {
            server_order(server, SERVER_RELOAD);
        } else if (!stopping) {
            stopping = time_now();
            server_order(server, SERVER_STOP);
        } else if (time_now() - stopping > SAME_ORDER_MS * TIME_MS) {
            log_event(LOG_WARNING, "server.impatient", OK, SLICE_EMPTY);
            return;
        }
    }
}

static error start_cores(struct server *server, const struct config *config)
{
    const struct core_settings *core = &config->core;
    const struct core_options options = {
        .count = server_core_count(config),
        .pin = core->pin,
        .stack_size = core->stack_size,
        .fibers_max = core->fibers_max,
        .receive_buffers = core->receive_buffers,
        .receive_buffer_size = core->receive_buffer_size,
        .workers = core->workers,
        .spin_ns = core->spin,
    };
    return cores_start(&options, server_run_core, server);
}

static error open_server(struct server *server, struct config *config)
{
    TRY(logging_open(&config->log));
    unsigned long descriptors = privilege_raise_descriptors(config->server.descriptors_max);
    if (descriptors < 4096)
        log_event(LOG_WARNING, "server.descriptors",
                  error_make(ERROR_LIMIT, "few files and connections: raise the limit (ulimit -n)"),
                  SLICE_EMPTY);
    TRY(tls_start());
    TRY(server_open(server, config));
    TRY(privilege_drop(config));
    return privilege_confine(config);
}

static int run(const char *path)
{
    struct config *config = read_config(path);
    if (!config)
        return EXIT_CONFIG;
    static struct server server;
    sigset_t set = block_signals();
    error problem = open_server(&server, config);
    if (!failed(problem))
        problem = start_cores(&server, config);
    if (failed(problem)) {
        log_event(LOG_ERROR, "server.start", problem, SLICE_EMPTY);
        log_flush();
        server_close(&server);
        return EXIT_FAILURE;
    }
    obey_signals(&server, &set);
    cores_stop();
    cores_join();
    server_close(&server);
    log_flush();
    return server.status;
}

int main(int count, char **arguments)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'},  {"check-config", required_argument, NULL, 'k'},
        {"show-defaults", no_argument, NULL, 'd'}, {"version", no_argument, NULL, 'v'},
        {"help", no_argument, NULL, 'h'},          {NULL, 0, NULL, 0},
    };
    const char *config = NULL;
    for (int choice; (choice = getopt_long(count, arguments, "c:h", options, NULL)) != -1;) {
        switch (choice) {
        case 'c':
            config = optarg;
            break;
        case 'k':
            return check_config(optarg);
        case 'd':
            return show_defaults();
        case 'v':
            puts("ringmaild " RINGMAIL_VERSION);
            return EXIT_SUCCESS;
        case 'h':
            fputs(usage, stdout);
            return EXIT_SUCCESS;
        default:
            fputs(usage, stderr);
            return EXIT_USAGE;
        }
    }
    if (!config || optind != count) {
        fputs(usage, stderr);
        return EXIT_USAGE;
    }
    return run(config);
}
