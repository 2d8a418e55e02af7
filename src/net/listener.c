/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/listener.h"

#include "base/log.h"
#include "base/metric.h"
#include "net/listener_bind.h"
#include "net/proxy.h"
#include "net/stream_state.h"
#include "runtime/core.h"
#include "runtime/crew.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

METRIC_COUNTER(metric_accepted, "ringmail_net_connections_total", "", "Connections accepted");
METRIC_COUNTER(metric_full, "ringmail_net_refused_total", "reason=\"connections\"",
               "Connections refused");
METRIC_COUNTER(metric_address, "ringmail_net_refused_total", "reason=\"address\"",
               "Connections refused");
METRIC_COUNTER(metric_resources, "ringmail_net_refused_total", "reason=\"resources\"",
               "Connections refused");
METRIC_COUNTER(metric_stopping, "ringmail_net_refused_total", "reason=\"stopping\"",
               "Connections refused");
METRIC_COUNTER(metric_pauses, "ringmail_net_accept_pauses_total", "",
               "Times accepting paused because descriptors or memory ran out");

static struct metric *const refusals[] = {
    [LISTENER_REFUSE_CONNECTIONS] = &metric_full,
    [LISTENER_REFUSE_ADDRESS] = &metric_address,
    [LISTENER_REFUSE_RESOURCES] = &metric_resources,
    [LISTENER_REFUSE_STOPPING] = &metric_stopping,
};

/* One accepted connection on its way to its session. */
struct arrival {
    struct listener *listener;
    struct stream *stream;
};

/* ---- Refusing ---- */

static void say(const struct listener *listener, int fd, enum listener_refusal reason)
{
    metric_add(refusals[reason], 1);
    if (listener->options.refusal && !listener->options.tls_implicit) {
        slice text = listener->options.refusal(reason, listener->options.argument);
        /* A fresh socket's buffer is empty: it fits, or the peer is gone. */
        if (text.size)
            (void)!send(fd, text.data, text.size, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
}

static void refuse(const struct listener *listener, int fd, enum listener_refusal reason)
{
    say(listener, fd, reason);
    /* Input read away, or closing would reset the connection and the refusal be lost. */
    char scrap[512];
    shutdown(fd, SHUT_WR);
    (void)!recv(fd, scrap, sizeof scrap, MSG_DONTWAIT);
    close(fd);
}

/* ---- Serving ---- */

static void read_addresses(const struct listener *listener, int fd, struct address *peer,
                           struct address *local)
{
    struct sockaddr_storage storage;
    socklen_t size = sizeof storage;
    if (listener->address.family == ADDRESS_UNIX) {
        *peer = (struct address){.family = ADDRESS_UNIX};
        *local = *peer;
        return;
    }
    *peer = *local = (struct address){.family = ADDRESS_NONE};
    if (getpeername(fd, (struct sockaddr *)&storage, &size) == 0)
        address_from_sockaddr((struct sockaddr *)&storage, size, peer);
    size = sizeof storage;
    if (getsockname(fd, (struct sockaddr *)&storage, &size) == 0)
        address_from_sockaddr((struct sockaddr *)&storage, size, local);
}

/* Says no to a connection that has a stream already. */
static void turn_away(const struct listener *listener, struct stream **stream,
                      enum listener_refusal reason)
{
    say(listener, (*stream)->fd, reason);
    (*stream)->lost = true; /* nothing more to flush */
    stream_close(stream);
}

static error welcome(const struct listener *listener, struct stream **stream)
{
    struct stream *s = *stream;
    if (network_list_matches(listener->options.proxies, &s->peer)) {
        TRY(proxy_accept(s, time_after(LISTENER_PROXY_TIMEOUT_S * TIME_S)));
    }
    if (admission_enter_address(&s->ticket, &s->peer) != ADMISSION_OK) {
        turn_away(listener, stream, LISTENER_REFUSE_ADDRESS);
        return error_make(ERROR_BUSY, "too many connections from this address");
    }
    if (listener->options.tls_implicit)
        TRY(stream_start_tls_server(s, listener->options.tls_implicit, listener->options.tls_alpn,
                                    time_after(LISTENER_HANDSHAKE_TIMEOUT_S * TIME_S)));
    return OK;
}

static void run_session(void *argument)
{
    struct arrival arrival = *(struct arrival *)argument;
    const struct listener *listener = arrival.listener;
    free(argument);
    error problem = welcome(listener, &arrival.stream);
    if (!failed(problem)) {
        listener->options.serve(&arrival.stream, listener->options.argument);
    } else if (arrival.stream && log_enabled(LOG_INFO)) {
        char text[ADDRESS_TEXT_SIZE];
        struct log_line line = log_begin(LOG_INFO, "net.refused");
        log_string(&line, "service", listener->options.name);
        log_text(&line, "peer", address_format(stream_peer(arrival.stream), text));
        log_error(&line, problem);
        log_end(&line);
    }
    stream_close(&arrival.stream);
}

static error start_session(struct listener *listener, struct crew *crew, int fd,
                           const struct admission_ticket *ticket)
{
    struct address peer, local;
    struct arrival *arrival = malloc(sizeof *arrival);
    TRY_MEMORY(arrival);
    read_addresses(listener, fd, &peer, &local);
    arrival->listener = listener;
    error problem = stream_create(fd, &peer, &local, &arrival->stream);
    if (!failed(problem)) {
        arrival->stream->ticket = *ticket;
        problem = fiber_start(crew, listener->options.name, run_session, arrival);
        if (failed(problem)) {
            /* Descriptor and ticket are the caller's again. */
            arrival->stream->ticket = (struct admission_ticket){0};
            stream_disown(&arrival->stream);
        }
    }
    if (failed(problem))
        free(arrival);
    return problem;
}

static void take_in(struct listener *listener, struct crew *crew, int fd)
{
    struct admission_ticket ticket = {0};
    metric_add(&metric_accepted, 1);
    if (admission_enter(listener->admission, &ticket) != ADMISSION_OK) {
        refuse(listener, fd, LISTENER_REFUSE_CONNECTIONS);
        return;
    }
    error problem = start_session(listener, crew, fd, &ticket);
    if (failed(problem)) {
        admission_leave(&ticket);
        refuse(listener, fd,
               problem.kind == ERROR_CANCELLED ? LISTENER_REFUSE_STOPPING
                                               : LISTENER_REFUSE_RESOURCES);
    }
}

/* ---- Accepting ---- */

/* The reserve is given up so that whoever waits in the queue hears why, then taken again. */
static bool refuse_with_reserve(struct listener *listener, struct listener_share *share)
{
    bool refused = false;
    if (share->reserve < 0)
        return false;
    close(share->reserve);
    int fd = accept4(share->socket, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
        refuse(listener, fd, LISTENER_REFUSE_RESOURCES);
        refused = true;
    }
    share->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
    return refused;
}

static error relieve(struct listener *listener, struct listener_share *share)
{
    if (share->reserve < 0)
        share->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (refuse_with_reserve(listener, share))
        return fiber_yield();
    metric_add(&metric_pauses, 1);
    return fiber_sleep(LISTENER_PAUSE_MS * TIME_MS);
}

static error accept_some(struct listener *listener, struct listener_share *share)
{
    struct ring_acceptor *acceptor;
    TRY(ring_acceptor_create(share->socket, &acceptor));
    error problem = OK;
    while (!failed(problem)) {
        int fd;
        problem = ring_accept(acceptor, TIME_NEVER, &fd);
        if (!failed(problem))
            take_in(listener, share->sessions, fd);
        else if (problem.os == ECONNABORTED || problem.os == EPROTO)
            problem = OK; /* that peer is gone, the next is welcome */
        else if (problem.kind != ERROR_CANCELLED)
            problem = relieve(listener, share);
    }
    ring_acceptor_destroy(&acceptor);
    return problem;
}

/* What is in the queue when we stop would be reset without a word. */
static void refuse_queue(const struct listener *listener, int socket)
{
    int fd;
    while ((fd = accept4(socket, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0)
        refuse(listener, fd, LISTENER_REFUSE_STOPPING);
}

static void run_acceptor(void *argument)
{
    struct listener_share *share = argument;
    struct listener *listener = share->listener;
    error problem = accept_some(listener, share);
    if (problem.kind != ERROR_CANCELLED) /* not even started: no memory */
        log_event(LOG_ERROR, "net.listener", problem, slice_from_string(listener->options.name));
    /* A shared socket is the other cores' as well: the last one out empties the queue. */
    if (!listener->shared || atomic_fetch_sub(&listener->accepting, 1) == 1)
        refuse_queue(listener, share->socket);
    if (!listener->shared) {
        close(share->socket);
        share->socket = -1;
    }
    if (share->reserve >= 0)
        close(share->reserve);
}

error listener_start(struct listener *listener, struct crew *crew)
{
    unsigned core = core_self();
    if (core >= listener->share_count)
        return error_make(ERROR_BUG, "more cores than the listener was bound for");
    struct listener_share *share = &listener->shares[core];
    share->listener = listener;
    share->sessions = crew;
    share->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
    crew_init(&share->acceptor, crew);
    if (listener->shared)
        atomic_fetch_add(&listener->accepting, 1);
    error problem = fiber_start(&share->acceptor, "listener", run_acceptor, share);
    share->running = !failed(problem);
    return problem;
}

void listener_stop(struct listener *listener)
{
    struct listener_share *share = &listener->shares[core_self()];
    if (!share->running)
        return;
    share->running = false;
    crew_close(&share->acceptor);
}

uint32_t listener_connections(const struct listener *listener)
{
    return atomic_load_explicit(&listener->admission->connections, memory_order_relaxed);
}
