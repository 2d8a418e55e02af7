#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * An account's Sieve scripts as Pigeonhole keeps them: files NAME.sieve in a folder beside the
 * Maildir, and a link that names the active one. Either server may be put in the other's place.
 * This is the only writer on our side; what others write is seen by the next look, for nothing is
 * kept in memory. A change is atomic (a reader sees the old script or the new one) and durable when
 * the call returns. Changes run one after the other on a core, so that quotas hold: call it on the
 * account's home core. Bounds: script_limits and the quota given.
 */
#include "base/arena.h"
#include "base/error.h"
#include "base/slice.h"

#include <sys/stat.h>

struct sieve_settings;

enum script_limits {
    SCRIPT_NAME_SIZE_MAX = 240, /* bytes of UTF-8: with ".sieve" it is a file's name */
    SCRIPT_LIST_COUNT_MAX = 1000,
    SCRIPT_SIZE_MAX = 16 << 20,
    SCRIPT_PATH_SIZE_MAX = 1024,
    SCRIPT_SAVED_MAX = 9, /* active scripts that were files, kept when one is activated */
};

/* Where an account's scripts are; absolute. */
struct script_place {
    const char *folder;
    const char *active;
};

struct script_entry {
    slice name; /* without ".sieve" */
    uint64_t size;
    bool active;
};

struct script_quota {
    size_t size_max;    /* bytes of one script */
    uint32_t count_max; /* scripts */
    uint64_t bytes_max; /* of all together; 0: no limit */
};
/* Which bound was met (RFC 5804 1.3: QUOTA/MAXSCRIPTS, QUOTA/MAXSIZE). */
enum script_bound { SCRIPT_BOUND_NONE, SCRIPT_BOUND_COUNT, SCRIPT_BOUND_SIZE, SCRIPT_BOUND_BYTES };

/* "~" is the account's home. ERROR_LIMIT for paths that are too long. */
error script_place_make(const struct sieve_settings *settings, const char *home,
                        struct arena *arena, struct script_place *out_place);
/* The link alone, for a look at every delivery: no memory is taken. False: too long. */
bool script_active_path(const struct sieve_settings *settings, const char *home,
                        char out_path[SCRIPT_PATH_SIZE_MAX]);
/* Of the script of that name in a folder, in the arena. The name is checked: ERROR_MALFORMED. */
error script_path(slice folder, slice name, struct arena *arena, const char **out_path);
/* RFC 5804 1.6, and what a file's name cannot be. Pure. */
error script_name_check(slice name);
/* What the settings say. */
struct script_quota script_quota_of(const struct sieve_settings *settings);

/* All of these WAIT (a worker does the work). Names are checked: ERROR_MALFORMED. */

/* In name order, in the arena. A missing folder holds none. */
error script_list(const struct script_place *place, struct arena *arena,
                  const struct script_entry **out_entries, size_t *out_count);
/* ERROR_NOT_FOUND. */
error script_read(const struct script_place *place, slice name, struct arena *arena,
                  slice *out_text);
/* Would it fit? ERROR_LIMIT, and *out_bound says what would be passed. */
error script_check_space(const struct script_place *place, slice name, uint64_t size,
                         const struct script_quota *quota, enum script_bound *out_bound);
/* Makes or replaces it. Errors as script_check_space. */
error script_write(const struct script_place *place, slice name, slice text,
                   const struct script_quota *quota, enum script_bound *out_bound);
/* ERROR_NOT_FOUND; ERROR_BUSY: it is the active one. */
error script_remove(const struct script_place *place, slice name);
/* An active script stays active, at every moment. ERROR_NOT_FOUND, ERROR_EXISTS. */
error script_rename(const struct script_place *place, slice from, slice to);
/* Empty: none is active from now on. ERROR_NOT_FOUND. An active script that is a file and no link
 * (made by hand) is kept as "dovecot.orig". */
error script_activate(const struct script_place *place, slice name);

/* What identifies a version of a script, so that it need not be compiled again. */
struct script_version {
    uint64_t device, inode, size;
    int64_t changed_ns; /* ctime, which nobody can set */
    int64_t modified_ns;
};
/* In place: one stat, where a delivery finds out whether there is anything to run. ERROR_NOT_FOUND.
 */
error script_look(const char *path, struct script_version *out_version);
static inline bool script_version_equal(const struct script_version *a,
                                        const struct script_version *b)
{
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           a->changed_ns == b->changed_ns && a->modified_ns == b->modified_ns;
}
