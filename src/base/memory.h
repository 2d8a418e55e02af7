#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the allocator and the kernel say about this process's memory. Any thread.
 *
 * Linking it also makes jemalloc give freed pages back to the kernel ten seconds after their use,
 * idle or not.
 */
#include <stddef.h>

struct memory_statistics {
    size_t allocated; /* bytes asked for and not freed */
    size_t active;    /* bytes of pages that hold them */
    size_t resident;  /* bytes the allocator holds in memory */
    size_t retained;  /* bytes of address space it keeps without memory */
    size_t process;   /* resident bytes of the whole process, stacks and mappings included */
};

/* Fields nobody can tell (another allocator) are 0. */
struct memory_statistics memory_statistics(void);
