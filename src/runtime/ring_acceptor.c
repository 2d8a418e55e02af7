/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runtime/ring.h"
#include "runtime/ring_operation.h"

#include "base/assert.h"
#include "base/metric.h"
#include "runtime/wait.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

METRIC_COUNTER(accepted, "ringmail_connections_accepted_total", "", "Connections accepted");
METRIC_COUNTER(accept_failed, "ringmail_accept_failed_total", "",
               "Failed accepts (descriptors or memory ran out, or the peer left first)");

/* Accepted but not yet asked for. When as many wait, accepting stops until they are taken: the rest
 * stays in the listening socket's own backlog. */
enum { WAITING_MAX = 256, WAITING_SLOTS = 4096 };

struct ring_acceptor {
    struct ring_request request;
    int listener;
    bool armed;     /* the kernel has the request */
    bool stopping;  /* it was asked to give it up */
    int problem;    /* errno of the failure that ended it, 0 if none */
    unsigned first; /* of waiting */
    unsigned count; /* of waiting */
    struct condition changed;
    int waiting[WAITING_SLOTS];
};

static void stop(struct ring_acceptor *acceptor)
{
    if (acceptor->armed && !acceptor->stopping) {
        acceptor->stopping = true;
        ring_cancel(&acceptor->request);
    }
}

static void keep(struct ring_acceptor *acceptor, int fd)
{
    /* The burst between the cancel and its effect is bounded by the completion queue; what is
     * beyond even this is turned away. */
    if (acceptor->count == WAITING_SLOTS) {
        metric_add(&accept_failed, 1);
        close(fd);
        return;
    }
    acceptor->waiting[(acceptor->first + acceptor->count++) % WAITING_SLOTS] = fd;
    metric_add(&accepted, 1);
    if (acceptor->count >= WAITING_MAX)
        stop(acceptor);
}

/* The one connection is lost, not the listening socket (accept(2), "Error handling"). */
static bool is_of_the_peer(int os)
{
    switch (os) {
    case ECONNABORTED:
    case EPROTO:
    case EINTR:
    case EAGAIN:
    case ENETDOWN:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case ENETUNREACH:
        return true;
    default:
        return false;
    }
}

static void complete(struct ring_request *request, int result, unsigned flags)
{
    struct ring_acceptor *acceptor = (struct ring_acceptor *)request;
    if (result >= 0) {
        keep(acceptor, result);
    } else if (result != -ECANCELED) {
        metric_add(&accept_failed, 1);
        if (!is_of_the_peer(-result))
            acceptor->problem = -result;
    }
    if (!(flags & IORING_CQE_F_MORE))
        acceptor->armed = acceptor->stopping = false;
    condition_wake_all(&acceptor->changed);
}

static void arm(struct ring_acceptor *acceptor)
{
    struct io_uring_sqe *entry = ring_entry();
    io_uring_prep_multishot_accept(entry, acceptor->listener, NULL, NULL,
                                   SOCK_NONBLOCK | SOCK_CLOEXEC);
    ring_entry_for(entry, &acceptor->request);
    acceptor->armed = true;
}

error ring_acceptor_create(int listener, struct ring_acceptor **out_acceptor)
{
    struct ring_acceptor *acceptor = calloc(1, sizeof *acceptor);
    TRY_MEMORY(acceptor);
    acceptor->request.complete = complete;
    acceptor->listener = listener;
    condition_init(&acceptor->changed);
    *out_acceptor = acceptor;
    return OK;
}

void ring_acceptor_destroy(struct ring_acceptor **acceptor)
{
    struct ring_acceptor *old = *acceptor;
    if (!old)
        return;
    stop(old);
    while (old->armed)
        error_ignore(condition_wait_steadfast(&old->changed, TIME_NEVER)); /* `armed` decides */
    ASSERT(list_is_empty(&old->changed.waiters)); /* nobody accepts any more */
    for (; old->count > 0; old->count--)
        close(old->waiting[old->first++ % WAITING_SLOTS]);
    free(old);
    *acceptor = NULL;
}

error ring_accept(struct ring_acceptor *acceptor, instant deadline, int *out_fd)
{
    while (true) {
        if (fiber_is_cancelled())
            return error_make(ERROR_CANCELLED, "cancelled");
        if (acceptor->count > 0) {
            *out_fd = acceptor->waiting[acceptor->first];
            acceptor->first = (acceptor->first + 1) % WAITING_SLOTS;
            acceptor->count--;
            return OK;
        }
        if (acceptor->problem) {
            error problem = error_system(acceptor->problem, "accept");
            acceptor->problem = 0;
            return problem;
        }
        if (!acceptor->armed)
            arm(acceptor);
        TRY(condition_wait(&acceptor->changed, deadline));
    }
}
