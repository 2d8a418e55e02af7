/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "server/notify.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

void notify_system(const char *state)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (!path || (path[0] != '/' && path[0] != '@') || strlen(path) >= sizeof address.sun_path)
        return;
    memcpy(address.sun_path, path, strlen(path));
    if (path[0] == '@')
        address.sun_path[0] = '\0'; /* abstract */
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    /* Type=notify-reload wants the moment with RELOADING=1. */
    char text[128];
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    int size = snprintf(text, sizeof text, "%s\nMONOTONIC_USEC=%lld", state,
                        (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000);
    socklen_t address_size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
    /* Whether the manager reads it is the manager's affair. */
    (void)!sendto(fd, text, (size_t)size, MSG_NOSIGNAL, (struct sockaddr *)&address, address_size);
    close(fd);
}
