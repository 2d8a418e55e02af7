/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/tls_resume.h"

#include "base/list.h"
#include "runtime/core.h"
#include "runtime/timer.h"

#include <stdlib.h>

struct kept {
    struct list node; /* longest unused first */
    uint8_t key[TLS_RESUME_KEY_SIZE];
    instant since;
    WOLFSSL_SESSION *session;
};

static _Thread_local struct map sessions;
static _Thread_local struct list by_use;

static slice key_of(const uint8_t key[TLS_RESUME_KEY_SIZE])
{
    return slice_of(key, TLS_RESUME_KEY_SIZE);
}

static void drop(struct kept *kept)
{
    map_remove(&sessions, key_of(kept->key));
    list_remove(&kept->node);
    wolfSSL_SESSION_free(kept->session);
    free(kept);
}

static error begin_core(void)
{
    map_init(&sessions);
    list_init(&by_use);
    return OK;
}

static void end_core(void)
{
    while (!list_is_empty(&by_use))
        drop(LIST_FIRST(&by_use, struct kept, node));
    map_close(&sessions);
}

__attribute__((constructor)) static void register_core(void)
{
    core_on_start(begin_core, end_core);
}

void tls_resume_apply(const uint8_t key[TLS_RESUME_KEY_SIZE], WOLFSSL *ssl)
{
    struct kept *kept = map_get(&sessions, key_of(key));
    if (!kept)
        return;
    if (timer_now() - kept->since > TLS_RESUME_AGE_S * TIME_S) {
        drop(kept);
        return;
    }
    list_remove(&kept->node);
    list_append(&by_use, &kept->node);
    (void)wolfSSL_set_session(ssl, kept->session); /* a stale one: a full handshake */
}

void tls_resume_keep(const uint8_t key[TLS_RESUME_KEY_SIZE], WOLFSSL *ssl)
{
    WOLFSSL_SESSION *session = wolfSSL_get1_session(ssl);
    if (!session)
        return;
    tls_resume_forget(key);
    if (sessions.count >= TLS_RESUME_MAX)
        drop(LIST_FIRST(&by_use, struct kept, node));
    struct kept *kept = calloc(1, sizeof *kept);
    if (!kept) {
        wolfSSL_SESSION_free(session);
        return;
    }
    memcpy(kept->key, key, TLS_RESUME_KEY_SIZE);
    kept->since = timer_now();
    kept->session = session;
    list_append(&by_use, &kept->node);
    if (failed(map_put(&sessions, key_of(kept->key), kept)))
        drop(kept);
}

void tls_resume_forget(const uint8_t key[TLS_RESUME_KEY_SIZE])
{
    struct kept *kept = map_get(&sessions, key_of(key));
    if (kept)
        drop(kept);
}

unsigned tls_resume_count(void)
{
    return (unsigned)sessions.count;
}
