/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/listener_bind.h"

#include "net/inherited.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static error set_option(int fd, int level, int name, int value)
{
    return setsockopt(fd, level, name, &value, sizeof value) == 0
               ? OK
               : error_system(errno, "cannot set up a listening socket");
}

/* A socket file nobody listens at is left over from a crash; one that answers is in use. */
static error clear_path(const struct sockaddr_un *address, socklen_t size)
{
    struct stat status;
    if (address->sun_path[0] == 0 || lstat(address->sun_path, &status) != 0)
        return OK;
    if (!S_ISSOCK(status.st_mode))
        return error_make(ERROR_EXISTS, "there is another file where the Unix socket should be");
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return error_system(errno, "no socket");
    bool alive = connect(fd, (const struct sockaddr *)address, size) == 0 || errno == EAGAIN;
    close(fd);
    if (alive)
        return error_make(ERROR_EXISTS, "another process listens at the Unix socket");
    return unlink(address->sun_path) == 0
               ? OK
               : error_system(errno, "cannot remove a stale Unix socket");
}

static error bind_unix(const struct listener *listener, int fd, const struct sockaddr_un *address,
                       socklen_t size)
{
    mode_t mode = listener->options.unix_mode ? listener->options.unix_mode : 0666;
    TRY(clear_path(address, size));
    if (bind(fd, (const struct sockaddr *)address, size) != 0)
        return error_system(errno, "cannot bind a Unix socket");
    if (address->sun_path[0] && chmod(address->sun_path, mode) != 0)
        return error_system(errno, "cannot set the mode of a Unix socket");
    return OK;
}

static error set_up(const struct listener *listener, int fd, const struct sockaddr_storage *address,
                    socklen_t size)
{
    if (address->ss_family == AF_UNIX) {
        TRY(bind_unix(listener, fd, (const void *)address, size));
    } else {
        TRY(set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1));
        TRY(set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1));
        if (address->ss_family == AF_INET6) /* "*" takes IPv4 as well; a given address does not */
            TRY(set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, !address_is_any(&listener->address)));
        if (bind(fd, (const struct sockaddr *)address, size) != 0)
            return error_system(errno, errno == EADDRINUSE
                                           ? "another process listens at this address"
                                           : "cannot bind the address");
    }
    if (listen(fd, LISTENER_BACKLOG) != 0)
        return error_system(errno, "cannot listen");
    return OK;
}

static error open_socket(const struct listener *listener, int *out_fd)
{
    struct sockaddr_storage address;
    socklen_t size;
    TRY(address_to_sockaddr(&listener->address, &address, &size));
    int fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return error_system(errno, "no socket to listen at");
    error problem = set_up(listener, fd, &address, size);
    if (failed(problem))
        close(fd);
    else
        *out_fd = fd;
    return problem;
}

/* Port 0 was asked for: the first socket has picked one, the others take the same. */
static error learn_port(struct listener *listener, int fd)
{
    struct sockaddr_storage storage;
    socklen_t size = sizeof storage;
    struct address bound;
    if (!address_is_ip(&listener->address) || listener->address.port)
        return OK;
    if (getsockname(fd, (struct sockaddr *)&storage, &size) != 0)
        return error_system(errno, "cannot learn the port");
    address_from_sockaddr((struct sockaddr *)&storage, size, &bound);
    listener->address.port = bound.port;
    return OK;
}

/* Set where connections inherit them, so that accepting one needs no further calls. */
static void set_for_connections(const struct listener *listener, int fd)
{
    int on = 1, idle = 120, interval = 30, count = 4;
    if (!address_is_ip(&listener->address))
        return;
    /* All are comforts: a connection without them still works. */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof interval);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof count);
}

static error bind_shares(struct listener *listener)
{
    int fd = inherited_claim(&listener->address);
    listener->inherited = fd >= 0;
    listener->shared = listener->inherited || listener->address.family == ADDRESS_UNIX;
    for (unsigned i = 0; i < listener->share_count; i++) {
        if (i == 0 || !listener->shared) {
            if (!listener->inherited)
                TRY(open_socket(listener, &fd));
            TRY(learn_port(listener, fd));
            set_for_connections(listener, fd);
        }
        listener->shares[i].socket = fd;
    }
    return OK;
}

static error keep_path(struct listener *listener)
{
    slice path = listener->address.path;
    if (listener->address.family != ADDRESS_UNIX)
        return OK;
    if (path.size >= sizeof listener->path)
        return error_make(ERROR_LIMIT, "the path of a Unix socket is 1 to 107 bytes");
    memcpy(listener->path, path.data, path.size);
    listener->address.path = slice_of(listener->path, path.size);
    listener->options.address = listener->address;
    return OK;
}

error listener_bind(const struct listener_options *options, unsigned cores,
                    struct listener **out_listener)
{
    struct listener *listener = calloc(1, sizeof *listener + cores * sizeof(struct listener_share));
    TRY_MEMORY(listener);
    listener->options = *options;
    listener->address = options->address;
    listener->share_count = cores;
    for (unsigned i = 0; i < cores; i++)
        listener->shares[i].socket = listener->shares[i].reserve = -1;
    error problem = keep_path(listener);
    if (!failed(problem))
        problem = admission_create(options->connections_max, options->per_address_max,
                                   &listener->admission);
    if (!failed(problem))
        problem = bind_shares(listener);
    if (failed(problem))
        listener_destroy(&listener);
    else
        *out_listener = listener;
    return problem;
}

const struct address *listener_address(const struct listener *listener)
{
    return &listener->address;
}

void listener_destroy(struct listener **listener)
{
    struct listener *l = *listener;
    if (!l)
        return;
    *listener = NULL;
    bool was_bound = l->shares[0].socket >= 0;
    for (unsigned i = 0; i < l->share_count; i++)
        if (l->shares[i].socket >= 0 && (i == 0 || !l->shared))
            close(l->shares[i].socket);
    if (l->address.family == ADDRESS_UNIX && was_bound && !l->inherited && l->path[0] == '/')
        unlink(l->path);
    admission_release(&l->admission);
    free(l);
}
