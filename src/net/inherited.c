/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/inherited.h"

#include "base/cursor.h"
#include "net/listener.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FIRST_FD = 3 };

static struct {
    int fd;
    bool claimed;
    struct sockaddr_storage storage; /* the path of a Unix address lies here */
    struct address address;
} sockets[INHERITED_MAX];
static unsigned socket_count;

static bool read_number(const char *name, uint64_t *out_number)
{
    struct cursor cursor = cursor_over(slice_from_string(getenv(name)));
    return cursor_take_u64(&cursor, INT32_MAX, out_number) && cursor_done(&cursor);
}

static void note(int fd)
{
    int listening = 0;
    socklen_t option_size = sizeof listening;
    socklen_t size = sizeof sockets[0].storage;
    struct sockaddr *storage = (struct sockaddr *)&sockets[socket_count].storage;
    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &option_size) != 0 || !listening ||
        getsockname(fd, storage, &size) != 0)
        return; /* not a listening socket: not meant for us */
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    sockets[socket_count].fd = fd;
    address_from_sockaddr(storage, size, &sockets[socket_count].address);
    socket_count++;
}

unsigned listener_inherit(void)
{
    uint64_t pid, count;
    if (read_number("LISTEN_PID", &pid) && pid == (uint64_t)getpid() &&
        read_number("LISTEN_FDS", &count))
        for (unsigned i = 0; i < count && socket_count < INHERITED_MAX; i++)
            note(FIRST_FD + (int)i);
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
    return socket_count;
}

/* Abstract names are written "@name" by people and "\0name" by the kernel. */
static bool same(const struct address *bound, const struct address *wanted)
{
    if (bound->family == ADDRESS_UNIX && wanted->family == ADDRESS_UNIX && bound->path.size &&
        bound->path.data[0] == 0)
        return wanted->path.size && wanted->path.data[0] == '@' &&
               slice_equal(slice_from(bound->path, 1), slice_from(wanted->path, 1));
    return address_equal(bound, wanted);
}

int inherited_claim(const struct address *address)
{
    for (unsigned i = 0; i < socket_count; i++) {
        if (sockets[i].claimed || !same(&sockets[i].address, address))
            continue;
        int flags = fcntl(sockets[i].fd, F_GETFL);
        if (flags < 0 || fcntl(sockets[i].fd, F_SETFL, flags | O_NONBLOCK) != 0)
            return -1;
        sockets[i].claimed = true;
        return sockets[i].fd;
    }
    return -1;
}

bool listener_inherited_unused(unsigned index, struct address *out_address)
{
    for (unsigned i = 0; i < socket_count; i++) {
        if (sockets[i].claimed || index--)
            continue;
        *out_address = sockets[i].address;
        return true;
    }
    return false;
}
