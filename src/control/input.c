/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Files that a verb is given to look at.
 */
#include "control/control.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { READ_SIZE = 64 << 10 };

static error read_all(int fd, struct buffer *out)
{
    for (;;) {
        char *room = buffer_reserve(out, READ_SIZE);
        TRY_MEMORY(room);
        ssize_t got = read(fd, room, READ_SIZE);
        if (got < 0)
            return error_system(errno, "it cannot be read");
        if (got == 0)
            return OK;
        buffer_commit(out, (size_t)got);
    }
}

error control_read_file(slice name, struct buffer *out)
{
    char path[4096];
    if (slice_equal(name, SLICE("-")))
        return read_all(STDIN_FILENO, out);
    if (name.size >= sizeof path)
        return error_make(ERROR_LIMIT, "the name is too long");
    memcpy(path, name.data, name.size);
    path[name.size] = '\0';
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_system(errno, strerror(errno));
    error problem = read_all(fd, out);
    close(fd);
    return problem;
}

void control_add_crlf(struct buffer *out, slice text)
{
    slice line;
    bool more = text.size > 0;
    while (more) {
        more = slice_cut(text, '\n', &line, &text);
        if (line.size && line.data[line.size - 1] == '\r')
            line.size--;
        if (!more && line.size == 0)
            return;
        buffer_add(out, line);
        buffer_add_string(out, "\r\n");
    }
}
