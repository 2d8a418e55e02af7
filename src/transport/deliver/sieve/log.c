/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "transport/deliver/sieve/log.h"

#include "base/time.h"
#include "data/scripts/scripts.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static void begin_anew_where_large(const char *path, size_t size_max)
{
    char before[SCRIPT_PATH_SIZE_MAX + 8];
    struct stat facts;
    int size = snprintf(before, sizeof before, "%s.0", path);
    if (stat(path, &facts) == 0 && (size_t)facts.st_size > size_max && size > 0 &&
        (size_t)size < sizeof before)
        (void)!rename(path, before); /* where it cannot be, it grows by this line */
}

void sieve_log_write(const char *path, size_t size_max, slice id, slice text)
{
    char line[SIEVE_LOG_LINE_SIZE_MAX], date[32];
    time_t now = (time_t)time_wall_seconds();
    struct tm fields;
    gmtime_r(&now, &fields);
    strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%SZ", &fields);
    int size =
        snprintf(line, sizeof line - 1, "%s mail %.*s: %.*s", date, SLICE_ARG(id), SLICE_ARG(text));
    if (size < 0)
        return;
    size_t used = (size_t)size < sizeof line - 1 ? (size_t)size : sizeof line - 2;
    for (size_t i = 0; i < used; i++) /* one mail, one line */
        if ((unsigned char)line[i] < 0x20)
            line[i] = ' ';
    line[used++] = '\n';
    begin_anew_where_large(path, size_max);
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return;
    (void)!write(fd, line, used); /* as above */
    close(fd);
}
