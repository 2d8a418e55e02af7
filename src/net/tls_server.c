/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/tls_set.h"

#include <pthread.h>
#include <stdlib.h>

struct tls_server {
    pthread_mutex_t lock; /* around the pointer only: taken once per handshake */
    struct tls_set *set;
};

error tls_server_create(const struct tls_server_options *options, struct tls_server **out_server,
                        unsigned *out_bad)
{
    TRY(tls_start());
    struct tls_set *set;
    TRY(tls_set_create(options, &set, out_bad));
    struct tls_server *server = calloc(1, sizeof *server);
    if (!server) {
        tls_set_unref(&set);
        return error_make(ERROR_LIMIT, "out of memory");
    }
    pthread_mutex_init(&server->lock, NULL);
    server->set = set;
    *out_server = server;
    return OK;
}

error tls_server_reload(struct tls_server *server, const struct tls_server_options *options,
                        unsigned *out_bad)
{
    struct tls_set *set;
    TRY(tls_set_create(options, &set, out_bad));
    pthread_mutex_lock(&server->lock);
    struct tls_set *old = server->set;
    server->set = set;
    pthread_mutex_unlock(&server->lock);
    tls_set_unref(&old);
    return OK;
}

struct tls_set *tls_server_acquire(struct tls_server *server)
{
    pthread_mutex_lock(&server->lock);
    struct tls_set *set = tls_set_ref(server->set);
    pthread_mutex_unlock(&server->lock);
    return set;
}

void tls_server_destroy(struct tls_server **server)
{
    if (!*server)
        return;
    tls_set_unref(&(*server)->set);
    pthread_mutex_destroy(&(*server)->lock);
    free(*server);
    *server = NULL;
}
