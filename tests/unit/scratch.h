/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A directory for one test: made, and removed with all that is in it.
 */
#pragma once
#include "check.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct scratch {
    char path[96];
};

static inline bool scratch_make_in(struct scratch *scratch, const char *parent)
{
    snprintf(scratch->path, sizeof scratch->path, "%s/ringmail-test-XXXXXX", parent);
    return mkdtemp(scratch->path);
}

static inline void scratch_make(struct scratch *scratch)
{
    const char *temporary = getenv("TMPDIR");
    assert_true(scratch_make_in(scratch, temporary ? temporary : "/tmp"));
}

static inline int scratch_remove_one(const char *path, const struct stat *status, int kind,
                                     struct FTW *walk)
{
    (void)status;
    (void)kind;
    (void)walk;
    return remove(path);
}

/* A file or a folder with all that is in it, where it is there. */
static inline void scratch_remove_path(const char *path)
{
    assert_int_equal(nftw(path, scratch_remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

static inline void scratch_remove(struct scratch *scratch)
{
    scratch_remove_path(scratch->path);
}

/* Its only file whose name begins so; NULL-terminated text in `out_name`, of 64 bytes; false where
 * there is none. */
static inline bool scratch_find(const struct scratch *scratch, const char *prefix, char *out_name)
{
    DIR *listing = opendir(scratch->path);
    bool found = false;
    assert_non_null(listing);
    for (struct dirent *entry; (entry = readdir(listing));) {
        if (strncmp(entry->d_name, prefix, strlen(prefix)) != 0 || entry->d_name[0] == '.')
            continue;
        found = true;
        snprintf(out_name, 64, "%.63s", entry->d_name);
    }
    closedir(listing);
    return found;
}

/* Whoever holds it open can make nothing in it any more, not as root either: it is gone. Empty. */
static inline void scratch_forbid(const struct scratch *scratch)
{
    assert_int_equal(rmdir(scratch->path), 0);
}

static inline void scratch_allow(const struct scratch *scratch)
{
    assert_int_equal(mkdir(scratch->path, 0700), 0);
}
