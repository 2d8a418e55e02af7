/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "transport/deliver/remote_tls.h"

#include "net/tls.h"
#include "runtime/worker.h"

#include <stdatomic.h>

/* One for each manner, made with the first connection that needs it, shared by all cores, kept to
 * the end. */
static _Atomic(struct tls_client *) clients[2];

struct making {
    struct tls_client_options options;
    struct tls_client *client;
};

static error make_client(void *argument)
{
    struct making *making = argument;
    return tls_client_create(&making->options, &making->client);
}

/* WAITS. */
static error find_client(const struct remote_settings *settings, bool verify,
                         struct tls_client **out_client)
{
    struct tls_client *client = atomic_load_explicit(&clients[verify], memory_order_acquire);
    if (!client) {
        struct making making = {
            .options = {.verify = verify,
                        .authority = settings->authority,
                        .version_min = (enum tls_version)settings->tls_version_min},
        };
        TRY(worker_run(WORKER_FILE, make_client, &making));
        if (atomic_compare_exchange_strong_explicit(&clients[verify], &client, making.client,
                                                    memory_order_acq_rel, memory_order_acquire))
            client = making.client;
        else
            tls_client_destroy(&making.client); /* another core was faster */
    }
    *out_client = client;
    return OK;
}

bool remote_tls_is_wanted(const struct remote *remote)
{
    return remote->route->tls != ROUTE_TLS_NONE && !remote->clear &&
           (remote->offer.extensions & SMTP_OFFERS_STARTTLS);
}

bool remote_tls_is_needed(const struct remote *remote)
{
    return remote->route->tls >= ROUTE_TLS_ENCRYPT || remote->require_tls;
}

error remote_tls_start(struct remote *remote, struct remote_answer *out_answer)
{
    struct tls_client *client;
    struct tls_information information;
    bool verify = remote->route->tls == ROUTE_TLS_VERIFY;
    error problem = find_client(remote->settings, verify, &client);
    if (!failed(problem))
        problem = stream_start_tls_client(remote->stream, client, remote->name, SLICE_EMPTY,
                                          time_after(remote->settings->tls_timeout));
    if (failed(problem)) {
        *out_answer = remote_answer_problem(REMOTE_STAGE_TLS, problem);
        remote->tls_failed = true;
        return remote_break(remote, problem);
    }
    remote->verified = verify;
    if (stream_tls_information(remote->stream, &information))
        TRY(arena_format(&remote->arena, &remote->tls, "%s %s%s", information.protocol,
                         information.cipher, verify ? " verified" : ""));
    return OK;
}

error remote_tls_check(struct remote *remote, struct remote_answer *out_answer)
{
    if (remote_tls_is_needed(remote) && !stream_is_tls(remote->stream)) {
        *out_answer =
            remote_answer_own(remote->require_tls ? 5 : 4, 7, remote->require_tls ? 10 : 4,
                              "TLS is needed, and the server does not offer it");
        return out_answer->problem;
    }
    /* RFC 8689 4.2.1 */
    if (remote->require_tls && !(remote->offer.extensions & SMTP_OFFERS_REQUIRETLS)) {
        *out_answer = remote_answer_own(5, 7, 30, "the server does not offer REQUIRETLS");
        return out_answer->problem;
    }
    return OK;
}
