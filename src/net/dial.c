/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/dial.h"

#include "runtime/ring.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

static error bind_source(int fd, const struct address *source)
{
    struct sockaddr_storage from;
    socklen_t size;
    int on = 1;
    TRY(address_to_sockaddr(source, &from, &size));
    /* The port is chosen at connect, when the other end is known: 65,536 connections per peer. */
    if (source->port == 0)
        (void)setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on); /* advice */
    if (bind(fd, (struct sockaddr *)&from, size) != 0)
        return error_system(errno, "the source address cannot be used");
    return OK;
}

static error connect_out(int fd, const struct address *to, const struct dial_options *options,
                         instant deadline, struct stream **out_stream)
{
    struct sockaddr_storage address, own;
    socklen_t size, own_size = sizeof own;
    int on = 1;
    if (address_is_ip(to))
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* only speed */
    if (options && options->source.family != ADDRESS_NONE)
        TRY(bind_source(fd, &options->source));
    TRY(address_to_sockaddr(to, &address, &size));
    TRY(ring_connect(fd, (struct sockaddr *)&address, size, deadline));
    struct address local = {.family = ADDRESS_NONE};
    if (address_is_ip(to) && getsockname(fd, (struct sockaddr *)&own, &own_size) == 0)
        address_from_sockaddr((struct sockaddr *)&own, own_size, &local);
    return stream_create(fd, to, &local, out_stream);
}

error dial(const struct address *to, const struct dial_options *options, instant deadline,
           struct stream **out_stream)
{
    int domain = to->family == ADDRESS_IPV4   ? AF_INET
                 : to->family == ADDRESS_IPV6 ? AF_INET6
                                              : AF_UNIX;
    int fd = socket(domain, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return error_system(errno, "no socket to connect with");
    error problem = connect_out(fd, to, options, deadline, out_stream);
    if (failed(problem))
        close(fd);
    return problem;
}
