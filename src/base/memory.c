/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/memory.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

/* jemalloc reads it before main. Without threads of its own it gives freed pages back only while
 * somebody allocates: a server that falls idle after a burst would keep the peak. They sleep while
 * nothing is to be given back. The environment's MALLOC_CONF goes before this. */
extern const char *const malloc_conf;
const char *const malloc_conf = "background_thread:true";

/* jemalloc's; absent in builds with a sanitizer, which bring an allocator of their own. */
__attribute__((weak)) int mallctl(const char *name, void *old, size_t *old_size, void *new,
                                  size_t new_size);

static size_t ask(const char *name)
{
    size_t value = 0, size = sizeof value;
    return mallctl(name, &value, &size, NULL, 0) == 0 ? value : 0;
}

/* Second number of /proc/self/statm, in pages. */
static size_t process_resident(void)
{
    char text[128];
    int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    ssize_t size = read(fd, text, sizeof text - 1);
    close(fd);
    if (size <= 0)
        return 0;
    text[size] = '\0';
    char *end;
    (void)strtoull(text, &end, 10);
    return (size_t)strtoull(end, NULL, 10) * (size_t)sysconf(_SC_PAGESIZE);
}

struct memory_statistics memory_statistics(void)
{
    struct memory_statistics statistics = {.process = process_resident()};
    if (mallctl) {
        uint64_t epoch = 1; /* refreshes what the others say */
        size_t size = sizeof epoch;
        (void)mallctl("epoch", &epoch, &size, &epoch, size);
        statistics.allocated = ask("stats.allocated");
        statistics.active = ask("stats.active");
        statistics.resident = ask("stats.resident");
        statistics.retained = ask("stats.retained");
    }
    return statistics;
}
