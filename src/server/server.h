#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The running server: what all cores share, and its life from start to stop. Made by the main
 * thread before the cores start; on the cores a fiber of core 0, the boss, starts everything, obeys
 * orders (reload, stop) and takes it down again.
 */
#include "base/buffer.h"
#include "base/error.h"
#include "net/address.h"
#include "runtime/wait.h"
#include "server/config/config.h"
#include "server/ports.h"
#include "service/admin/admin.h"
#include "service/http/http.h"
#include "service/imap/serve.h"
#include "service/managesieve/serve.h"
#include "service/pop3/serve.h"
#include "service/smtp/smtp.h"

#include <stdatomic.h>

struct keyring;
struct tls_server;

struct server {
    _Atomic(struct config *) config; /* swapped by a reload; old ones stay alive */
    struct tls_server *tls;          /* NULL without certificates */
    struct keyring *keyring;         /* DKIM keys; replaced on core 0 by a reload */
    struct network_list proxies;
    struct smtp_service smtp;
    struct smtp_service submission;
    struct imap_service imap;
    struct pop3_service pop3;
    struct managesieve_service managesieve;
    struct http_service http;
    struct admin_options admin;
    struct ports ports;
    char hostname[256];

    /* Core 0 only. */
    struct condition ordered; /* the boss waits here */
    bool reload_ordered;
    bool stop_ordered;
    struct mutex reloading;
    struct config_overrides overrides;
    instant drain_until;

    _Atomic int status; /* of the process */
};

/* core.count, or one for each CPU this process may use. */
unsigned server_core_count(const struct config *config);
/* The steps before the cores run, on the main thread: certificates, ports. Complains itself (log).
 */
error server_open(struct server *server, struct config *config);
/* After the cores have ended. */
void server_close(struct server *server);

/* For cores_start: the first fiber of each core. When the server has stopped, or could not start,
 * the signal SERVER_ENDED is sent to this process. */
void server_run_core(void *server);
#define SERVER_ENDED SIGRTMIN

/* From any thread. */
enum server_order { SERVER_RELOAD, SERVER_STOP };
void server_order(struct server *server, enum server_order order);

/* WAITS, on core 0: reads file, overrides and certificates again. `lines` gets problems
 * (ERROR_MALFORMED) or notes. Open sessions go on with what they have. */
error server_reload(struct server *server, struct buffer *lines);
/* WAITS, on core 0: settings in the file's language become overrides, then as server_reload. */
error server_change(struct server *server, slice text, struct buffer *lines);
/* On each core: what filters keep there, with the settings of now. Again on each reload. */
error server_start_filters(struct server *server);
/* Settings of `config` that services read through a pointer. */
void server_publish(struct server *server, struct config *config);
/* Reads the certificates that a configuration names; on a thread that may block. */
error server_load_certificates(struct config *config, struct tls_server **tls,
                               struct buffer *problems);
