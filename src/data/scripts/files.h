#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The work behind scripts.h, blocking: on a worker, one job of a core at a time.
 */
#include "data/scripts/scripts.h"

struct script_job {
    const struct script_place *place;
    slice name, to, text; /* `to`: the new name */
    uint64_t size;
    const struct script_quota *quota;
    struct arena *arena;
    /* Results. */
    struct script_entry *entries;
    size_t count;
    enum script_bound bound;
};

/* Each takes a struct script_job. */
error script_files_list(void *job);
error script_files_read(void *job);
error script_files_check_space(void *job);
error script_files_write(void *job);
error script_files_remove(void *job);
error script_files_rename(void *job);
error script_files_activate(void *job);
