/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "server/logging.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

error logging_open(const struct log_settings *settings)
{
    static int descriptor = -1;
    if (!settings->path) {
        log_configure(STDERR_FILENO, settings->level, settings->format);
        return OK;
    }
    int fd = open(settings->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
    if (fd < 0)
        return error_system(errno, "the log file cannot be opened");
    if (descriptor < 0) {
        descriptor = fd;
    } else {
        int result = dup3(fd, descriptor, O_CLOEXEC);
        close(fd);
        if (result < 0)
            return error_system(errno, "the log file cannot be opened");
    }
    log_configure(descriptor, settings->level, settings->format);
    return OK;
}
